import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../stacks/local/host.js";
import type { Pool } from "../../stacks/local/lambda/pool.js";
import { type Latency, latencyOf, median } from "./figure.js";
import type { Generator } from "./generator.js";
import type { Served } from "./ground.js";
import type { Load } from "./load.js";
import { type Scenario, type ScenarioName, scenarios } from "./scenario.js";
import type { Shop } from "./shop.js";

export interface Length {
  /** Of one slice. */
  readonly seconds: number;
  /** Slices, system and floor in turn, so that a neighbour's noise falls on both. */
  readonly slices: number;
  /** Seconds before the first one: compiled code is what is measured. */
  readonly warmUp: number;
}

interface Figures {
  readonly latency: Latency;
  /** Whole rounds through the steps. */
  readonly perSecond: number;
}

export interface Measured extends Figures {
  readonly name: string;
  readonly steps: readonly { readonly name: string; readonly latency: Latency }[];
  readonly floor?: Figures;
  /** Throughput, of the floor's. */
  readonly share?: number;
}

export const CONNECTIONS = 16;

/** Requests of the slice before may still be on their way. */
async function settled(pool: Pool): Promise<void> {
  while (pool.pending() > 0) await sleep(10);
}

/** Latency at one connection and throughput at sixteen. */
export async function measure(
  host: Host,
  generator: Generator,
  floor: Served,
  shop: Shop,
  name: ScenarioName,
  { seconds, slices, warmUp }: Length,
): Promise<Measured> {
  const scenario: Scenario = scenarios[name];
  const system = { url: shop.url, pool: host.pools.api };
  const sides = scenario.read ? [system, floor] : [system];
  const slice = async ({ url, pool }: { url: string; pool: Pool }, connections: number, length = seconds) => {
    const load = await generator.run({ scenario: name, shop, url, connections, seconds: length });
    await settled(pool);
    return load;
  };
  for (const side of sides) await slice(side, CONNECTIONS, warmUp);
  const alone: Load[] = [];
  for (const side of sides) alone.push(await slice(side, 1));
  const together: number[][] = sides.map(() => []);
  for (let nth = 0; nth < slices; nth += 1)
    for (const [index, side] of sides.entries()) together[index]?.push((await slice(side, CONNECTIONS)).perSecond);
  const figures = alone.map(({ rounds }, index) => ({
    latency: latencyOf(rounds),
    perSecond: median(together[index] ?? []),
  }));
  const [own, bare] = figures;
  if (!own) throw new Error("There is always the system.");
  const steps = scenario.steps.map((step, index) => ({
    name: step.name,
    latency: latencyOf(alone[0]?.steps[index] ?? []),
  }));
  const shares = (together[1] ?? []).map((least, index) => (together[0]?.[index] ?? 0) / least);
  return { name: scenario.name, steps, ...own, ...(bare && { floor: bare, share: median(shares) }) };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../stacks/local/host.js";
import type { Pool } from "../../stacks/local/lambda/pool.js";
import { type Cpu, each, idle, plus, spend } from "./cpu.js";
import { type Latency, latencyOf, median } from "./figure.js";
import type { Generator } from "./generator.js";
import type { Served } from "./ground.js";
import type { Load } from "./load.js";
import { CONNECTIONS } from "./mode.js";
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
  /** Throughput at sixteen connections, of that at one. */
  readonly speedUp: number;
  /** Milliseconds of a whole round with all that follows it, at one connection and at sixteen. */
  readonly cpu: { readonly alone: Cpu; readonly together: Cpu };
}

/** Where the load goes. */
interface Target {
  readonly url: string;
  readonly pool: Pool;
  /** Resolves when nothing that a request has left behind is open. */
  settle(): Promise<void>;
}

interface Slice {
  readonly load: Load;
  readonly cpu: Cpu;
}

/** Requests of the slice before may still be on their way. */
async function settled(pool: Pool): Promise<void> {
  while (pool.pending() > 0) await sleep(10);
}

type Take = (connections: number, seconds: number) => Promise<Slice>;

/** Makes slices of one scenario on one target. */
const slicer =
  (host: Host, generator: Generator, shop: Shop, name: ScenarioName) =>
  ({ url, settle }: Target): Take =>
  async (connections, seconds) => {
    const { result: load, cpu } = await spend(host, async () => {
      const made = await generator.run({ scenario: name, shops: [shop], url, connections, seconds });
      await settle();
      return made;
    });
    return { load, cpu };
  };

const totalOf = (slices: readonly Slice[]): Cpu => {
  const rounds = slices.reduce((sum, { load }) => sum + load.rounds.length, 0);
  return each(
    slices.reduce((sum, { cpu }) => plus(sum, cpu), idle),
    rounds,
  );
};

/** Latency at one connection and throughput at sixteen. */
export async function measure(
  host: Host,
  generator: Generator,
  floor: Served,
  shop: Shop,
  name: ScenarioName,
  { seconds, slices, warmUp }: Length,
  quiet: () => Promise<void>,
): Promise<Measured> {
  const scenario: Scenario = scenarios[name];
  const system: Target = { url: shop.url, pool: host.pools.api, settle: quiet };
  const bare: Target = { ...floor, settle: () => settled(floor.pool) };
  const sides = (scenario.read ? [system, bare] : [system]).map(slicer(host, generator, shop, name));
  for (const take of sides) await take(CONNECTIONS, warmUp);
  const alone: Slice[] = [];
  for (const take of sides) alone.push(await take(1, seconds));
  const together: Slice[][] = sides.map(() => []);
  for (let nth = 0; nth < slices; nth += 1)
    for (const [index, take] of sides.entries()) together[index]?.push(await take(CONNECTIONS, seconds));
  const rates = together.map((taken) => taken.map(({ load }) => load.perSecond));
  const [own, least] = alone.map(({ load }, index) => ({
    latency: latencyOf(load.rounds),
    perSecond: median(rates[index] ?? []),
  }));
  if (!own || !alone[0]) throw new Error("There is always the system.");
  const { load } = alone[0];
  const shares = (rates[1] ?? []).map((floor, index) => (rates[0]?.[index] ?? 0) / floor);
  return {
    name: scenario.name,
    steps: scenario.steps.map((step, index) => ({ name: step.name, latency: latencyOf(load.steps[index] ?? []) })),
    ...own,
    ...(least && { floor: least, share: median(shares) }),
    speedUp: own.perSecond / load.perSecond,
    cpu: { alone: totalOf(alone.slice(0, 1)), together: totalOf(together[0] ?? []) },
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../stacks/local/host.js";
import { median, percentileOf } from "./figure.js";
import { type Generator, startGenerator } from "./generator.js";
import { CONNECTIONS } from "./mode.js";
import { openShop, type Shop } from "./shop.js";

/** Requests for each second that the plan of the loud tenant allows; it sends ten times as many. */
const ALLOWED = 20;
/** Reads for each second of the quiet tenant. */
const QUIET = 25;

/** Milliseconds in which 95 of 100 reads of a quiet tenant are answered: alone, and beside a loud tenant. */
export interface Fairness {
  readonly alone: number;
  readonly beside: number;
  /** The median of the slices' ratios. */
  readonly ratio: number;
  /** The share of the loud tenant's requests that was refused. */
  readonly refused: number;
}

/** Slices in turn; the loud tenant's load comes from a process of its own. */
export async function measureFairness(
  host: Host,
  generator: Generator,
  quiet: Shop,
  length: { readonly seconds: number; readonly slices: number },
): Promise<Fairness> {
  const loud = await openShop(host, 100, ALLOWED);
  const flood = startGenerator();
  const read = { scenario: "detail", seconds: length.seconds } as const;
  const p95 = async () => {
    const { rounds } = await generator.run({ ...read, shops: [quiet], url: quiet.url, connections: 1, rate: QUIET });
    return percentileOf(rounds, 0.95);
  };
  const shares: number[] = [];
  const pairs: [number, number][] = [];
  try {
    for (let nth = -1; nth < length.slices; nth += 1) {
      const alone = await p95();
      const order = { ...read, seconds: length.seconds + 2, shops: [loud], url: loud.url, connections: CONNECTIONS };
      const flooding = flood.run({ ...order, rate: 10 * ALLOWED, refusable: true });
      await sleep(1_000); // the burst of its bucket is used up
      const beside = await p95();
      const { rounds, refused } = await flooding;
      if (nth < 0) continue; // the first slice warms up
      pairs.push([alone, beside]);
      shares.push((refused["429"] ?? 0) / rounds.length);
    }
  } finally {
    flood.stop();
  }
  const ratio = median(pairs.map(([alone, beside]) => beside / alone));
  const of = (side: 0 | 1) => median(pairs.map((pair) => pair[side]));
  return { alone: of(0), beside: of(1), ratio, refused: median(shares) };
}

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../figure.js";
import type { Shop } from "../shop.js";
import { openClient } from "./http.js";
import { medusaSide } from "./medusa.js";
import { type Side, type Work, works } from "./side.js";
import { stoaSide } from "./stoa.js";
import { vendureSide } from "./vendure.js";

/** A process of its own that makes the load for all sides alike, in slices in turn: drift falls on each of them. */
export interface Asked {
  readonly shop: Shop;
  readonly rounds: number;
  /** Of one slice at sixteen connections. */
  readonly seconds: number;
}

export interface Compared {
  readonly work: Work;
  readonly side: string;
  /** Milliseconds at one connection. */
  readonly p50: number;
  readonly perSecond: number;
  /** Milliseconds of the whole machine for one, without this generator, with what follows the answer. */
  readonly cpu: number;
  /** Operations that failed, and the reason of the last. */
  readonly failed: number;
  readonly reason?: string;
}

interface Slices {
  readonly taken: number[];
  readonly rates: number[];
  readonly cpus: number[];
  failed: number;
  reason?: string;
}

const CONNECTIONS = 16;
/** At one connection: so many operations or milliseconds, whichever is first. */
const ALONE = { operations: 60, ms: 3_000 };
const WARM_UP = 1_500;

let nth = Date.now() % 100_000;

/** Milliseconds that all processors together have worked. */
function machineMs(): number {
  const line = readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + soft) * 10;
}

/** Until the work that an answer leaves behind is done: a tenth of a processor or less is idle. */
async function settle(patience: number): Promise<void> {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    const before = machineMs();
    await sleep(500);
    if (machineMs() - before < 50) return;
  }
}

/** One after the other until `end`; the milliseconds of each that succeeded. */
async function repeat(side: Side, work: Work, connections: number, slices: Slices, goes: () => boolean) {
  const { http, close } = openClient(side.origin, connections);
  const taken: number[] = [];
  const client = async () => {
    while (goes()) {
      const since = performance.now();
      try {
        await side.operations[work](http, nth++);
        taken.push(performance.now() - since);
      } catch (error) {
        slices.failed += 1;
        slices.reason = (error as Error).message.slice(0, 200);
        if (slices.failed > 50 && taken.length === 0) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  await close();
  return taken;
}

const forMs = (ms: number) => {
  const end = performance.now() + ms;
  return () => performance.now() < end;
};

async function slice(side: Side, work: Work, slices: Slices, seconds: number): Promise<void> {
  let left = ALONE.operations;
  const inTime = forMs(ALONE.ms);
  let warm = 3;
  await repeat(side, work, 1, slices, () => warm-- > 0);
  slices.taken.push(...(await repeat(side, work, 1, slices, () => left-- > 0 && inTime())));
  await repeat(side, work, CONNECTIONS, slices, forMs(WARM_UP));
  await settle(2_000 * seconds);
  const [machine, own, since] = [machineMs(), process.cpuUsage(), performance.now()];
  const { length } = await repeat(side, work, CONNECTIONS, slices, forMs(seconds * 1_000));
  slices.rates.push((length * 1_000) / (performance.now() - since));
  const { user, system } = process.cpuUsage(own);
  await settle(2_000 * seconds);
  slices.cpus.push((machineMs() - machine - (user + system) / 1_000) / Math.max(1, length));
}

/** Orders for the list, in a peer that has few. */
async function placeOrders(side: Side, slices: Slices): Promise<void> {
  const { http, close } = openClient(side.origin, 1);
  const isShort = () =>
    side.operations.orders(http, 0).then(
      () => false,
      () => true,
    );
  for (let count = 0; count < 40 && (await isShort()); count += 5) {
    let left = 5;
    await repeat(side, "checkout", 1, slices, () => left-- > 0);
  }
  await close();
}

async function compare({ shop, rounds, seconds }: Asked): Promise<Compared[]> {
  const sides = [stoaSide(shop), medusaSide(), vendureSide()];
  for (const side of sides) {
    const { http, close } = openClient(side.origin, 1);
    await side.prepare(http);
    await close();
    await placeOrders(side, { taken: [], rates: [], cpus: [], failed: 0 });
  }
  const compared: Compared[] = [];
  for (const work of works) {
    const all = sides.map((): Slices => ({ taken: [], rates: [], cpus: [], failed: 0 }));
    for (let round = 0; round < rounds; round += 1)
      for (const [index, side] of sides.entries()) {
        const slices = all[index];
        if (slices) await slice(side, work, slices, seconds);
      }
    for (const [index, { taken, rates, cpus, failed, reason }] of all.entries()) {
      const figures = { p50: median(taken), perSecond: median(rates), cpu: median(cpus), failed };
      compared.push({ work, side: sides[index]?.name ?? "", ...figures, ...(reason && { reason }) });
    }
    process.send?.({ done: work });
  }
  return compared;
}

process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => undefined); // the bench ends it
process.on("message", (asked: Asked) => {
  compare(asked).then(
    (compared) => process.send?.({ compared }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

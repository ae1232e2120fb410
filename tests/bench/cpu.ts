import { readdirSync, readFileSync } from "node:fs";
import type { Host } from "../../stacks/local/host.js";

/** Milliseconds of processor time by the processes of the system; `host` is gateway, bridge, queues, bus and logs. */
export interface Cpu {
  readonly handler: number;
  readonly postgres: number;
  readonly host: number;
  readonly workers: number;
  readonly relay: number;
}

export const cpuParts = ["handler", "postgres", "host", "workers", "relay"] as const satisfies (keyof Cpu)[];

/** Milliseconds of a tick of the kernel's clock, as /proc has it. */
const TICK = 10;

/** The fields of /proc/pid/stat from the parent on (proc(5)); none when the process has ended. */
function statOf(pid: number | string): number[] {
  try {
    return (readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop() ?? "").split(" ").slice(1).map(Number);
  } catch {
    return [];
  }
}

const ownMs = ([, , , , , , , , , , user = 0, system = 0]: number[]) => (user + system) * TICK;
/** With the children that have ended. */
const wholeMs = (stat: number[]) => ownMs(stat) + ((stat[12] ?? 0) + (stat[13] ?? 0)) * TICK;

/** A server and its sessions, those that have ended too. */
function familyMs(pid: number): number {
  const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && statOf(name)[0] === pid);
  return wholeMs(statOf(pid)) + children.reduce((sum, child) => sum + ownMs(statOf(child)), 0);
}

/**
 * The counters at this moment, from /proc; two of them make a figure. The time of an environment that ends between them
 * is lost. The host's part has the bench in it, but not the process that makes the load.
 */
function readCpu(host: Host): Cpu {
  const poolMs = (...names: (keyof Host["pools"])[]) =>
    names.flatMap((name) => host.pids(name)).reduce((sum, pid) => sum + ownMs(statOf(pid)), 0);
  return {
    handler: poolMs("api", "stripe"),
    postgres: host.postgresPid ? familyMs(host.postgresPid) : 0,
    host: ownMs(statOf(process.pid)),
    workers: poolMs("events", "jobs", "schedule"),
    relay: poolMs("relay"),
  };
}

const combine = (one: Cpu, other: Cpu, by: (a: number, b: number) => number): Cpu => ({
  handler: by(one.handler, other.handler),
  postgres: by(one.postgres, other.postgres),
  host: by(one.host, other.host),
  workers: by(one.workers, other.workers),
  relay: by(one.relay, other.relay),
});

export const idle: Cpu = { handler: 0, postgres: 0, host: 0, workers: 0, relay: 0 };
export const plus = (one: Cpu, other: Cpu): Cpu => combine(one, other, (a, b) => a + b);
export const minus = (one: Cpu, other: Cpu): Cpu => combine(one, other, (a, b) => a - b);
export const each = (cpu: Cpu, count: number): Cpu => combine(cpu, idle, (a) => a / Math.max(1, count));
export const sumOf = (cpu: Cpu): number => cpuParts.reduce((sum, part) => sum + cpu[part], 0);

/** Runs something and tells what it has cost. */
export async function spend<T>(host: Host, run: () => Promise<T>): Promise<{ result: T; cpu: Cpu }> {
  const before = readCpu(host);
  const result = await run();
  return { result, cpu: minus(readCpu(host), before) };
}

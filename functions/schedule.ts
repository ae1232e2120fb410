import type { Context } from "aws-lambda";
import { withContext } from "../core/kernel/actor.js";
import { requireConfig } from "../core/kernel/config.js";
import { dueTables, listDueTenants } from "../core/kernel/due.js";
import { count, log } from "./log.js";
import { modules } from "./modules/index.js";
import type { Sweep } from "./modules/module.js";
import { platformSweeps } from "./modules/sweep.js";
import { nudgeAfterCommit } from "./nudge.js";

requireConfig("schedule");
nudgeAfterCommit();

const tables = dueTables(modules.flatMap((module) => module.tables ?? []));
/** The sweeps that run for one tenant at a time. */
const sweeps = modules.flatMap((module) => module.sweeps ?? []);
/** Milliseconds that are left for the last tenant. */
const RESERVE = 10_000;
/** The part of a run's time that one sweep may take, so that a slow one leaves the others theirs. */
const SHARE = 1 / 5;
/** A sweep that failed so often in one run, such as by a statement that took too long, waits for the next one. */
const MAX_FAILURES = 2;

/** One sweep in one run: what it did, and whether its time is over. */
class Part {
  done = 0;
  #failures = 0;
  #spent = 0;

  constructor(
    readonly sweep: Sweep,
    readonly share: number,
  ) {}

  get isOver(): boolean {
    return this.#failures >= MAX_FAILURES || this.#spent >= this.share;
  }

  /** Runs slice after slice until less than a slice is due, or the time is over. */
  async run(hasTime: () => boolean): Promise<void> {
    const { name, run, slice = Number.POSITIVE_INFINITY } = this.sweep;
    for (let found = slice; found >= slice && !this.isOver && hasTime(); ) {
      const since = Date.now();
      try {
        found = await run();
        this.done += found;
      } catch (error) {
        this.#failures += 1;
        reportFailure(name, error);
        return;
      } finally {
        this.#spent += Date.now() - since;
      }
    }
  }
}

function reportFailure(sweep: string, error: unknown): void {
  count("SweepFailures", 1, { sweep });
  log.error("sweep failed", { error, sweep });
}

/**
 * Tenants with due rows in any table. Each table is a statement of its own, so that one that fails stops no other.
 * @throws when none can be searched
 */
async function listTenants(): Promise<string[]> {
  const searches = await Promise.allSettled(tables.map(listDueTenants));
  const failures = searches.flatMap((search, index) => (search.status === "rejected" ? { ...search, index } : []));
  const [first] = failures;
  if (first && failures.length === tables.length) throw first.reason;
  if (first) count("SweepSearchFailures", failures.length);
  for (const { index, reason } of failures) reportFailure(`due.${tables[index]}`, reason);
  const found = new Set(searches.flatMap((search) => (search.status === "fulfilled" ? search.value : [])));
  // A random order: when the time is too short for all tenants, another one comes last each time.
  return [...found].sort(() => Math.random() - 0.5);
}

/** Housekeeping: rows that are past their time, each tenant and sweep in transactions of its own. */
export async function handler(
  _event: unknown,
  context: Pick<Context, "getRemainingTimeInMillis" | "awsRequestId">,
): Promise<void> {
  const requestId = `sweep_${context.awsRequestId}`;
  const share = context.getRemainingTimeInMillis() * SHARE;
  const hasTime = () => context.getRemainingTimeInMillis() >= RESERVE;
  const ofPlatform = platformSweeps.map((sweep) => new Part(sweep, share));
  const ofTenants = sweeps.map((sweep) => new Part(sweep, share));
  const tenants = await withContext({ requestId }, listTenants);
  for (const part of ofPlatform) await withContext({ requestId }, () => part.run(hasTime));
  for (const tenantId of tenants) {
    if (!hasTime()) break;
    await withContext({ actor: { type: "system", tenantId }, requestId }, async () => {
      for (const part of ofTenants) await part.run(hasTime);
    });
  }
  const parts = [...ofPlatform, ...ofTenants];
  for (const { isOver, sweep } of parts)
    if (isOver) reportFailure(sweep.name, new Error("The time of this sweep was over before its work."));
  count("SweepRuns");
  const done = Object.fromEntries(parts.map((part) => [part.sweep.name, part.done]));
  log.info("swept", { tenants: tenants.length, ...done });
}

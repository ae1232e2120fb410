import type { Context } from "aws-lambda";
import { withContext } from "../core/kernel/actor.js";
import { requireConfig } from "../core/kernel/config.js";
import { deleteFullBuckets, deleteOldStripeEvents, dueTables, listDueTenants } from "../core/kernel/due.js";
import { count, log } from "./log.js";
import { modules } from "./modules/index.js";
import type { Sweep } from "./modules/module.js";
import { nudgeAfterCommit } from "./nudge.js";

requireConfig("schedule");
nudgeAfterCommit();

const tables = dueTables(modules.flatMap((module) => module.tables ?? []));
/** The sweeps that run for one tenant at a time. */
const sweeps = modules.flatMap((module) => module.sweeps ?? []);
/** The sweeps that run over all rows at once, also rows without a tenant. */
const platformSweeps: readonly Sweep[] = [
  { name: "rate.forget-buckets", run: deleteFullBuckets },
  { name: "stripe.forget-events", run: deleteOldStripeEvents },
];
/** Milliseconds that are left for the last tenant. */
const RESERVE = 10_000;

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
  for (const { index, reason } of failures) reportFailure(`due.${tables[index]}`, reason);
  const found = new Set(searches.flatMap((search) => (search.status === "fulfilled" ? search.value : [])));
  // A random order: when the time is too short for all tenants, another one comes last each time.
  return [...found].sort(() => Math.random() - 0.5);
}

type Progress = Record<string, number>;

async function runSweeps(list: readonly Sweep[], done: Progress): Promise<void> {
  for (const { name, run } of list) {
    try {
      done[name] = (done[name] ?? 0) + (await run());
    } catch (error) {
      reportFailure(name, error);
    }
  }
}

/** Housekeeping: rows that are past their time, each tenant and sweep in transactions of its own. */
export async function handler(
  _event: unknown,
  context: Pick<Context, "getRemainingTimeInMillis" | "awsRequestId">,
): Promise<void> {
  const requestId = `sweep_${context.awsRequestId}`;
  const done: Progress = {};
  const tenants = await withContext({ requestId }, listTenants);
  await withContext({ requestId }, () => runSweeps(platformSweeps, done));
  for (const tenantId of tenants) {
    if (context.getRemainingTimeInMillis() < RESERVE) break;
    await withContext({ actor: { type: "system", tenantId }, requestId }, () => runSweeps(sweeps, done));
  }
  count("SweepRuns");
  log.info("swept", { tenants: tenants.length, ...done });
}

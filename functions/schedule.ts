import type { Context } from "aws-lambda";
import { withContext } from "../core/kernel/actor.js";
import { requireConfig } from "../core/kernel/config.js";
import { listDueTenants } from "../core/kernel/due.js";
import { count, log } from "./log.js";
import { modules } from "./modules/index.js";
import { nudgeAfterCommit } from "./nudge.js";

requireConfig("schedule");
nudgeAfterCommit();

const sweeps = modules.flatMap((module) => module.sweeps ?? []);
/** Milliseconds that are left for the last tenant. */
const RESERVE = 10_000;

/** Housekeeping: what is past its time in any tenant, each tenant and sweep in transactions of its own. */
export async function handler(
  _event: unknown,
  context: Pick<Context, "getRemainingTimeInMillis" | "awsRequestId">,
): Promise<void> {
  const requestId = `sweep_${context.awsRequestId}`;
  const tenants = await withContext({ requestId }, listDueTenants);
  const done: Record<string, number> = {};
  for (const tenantId of tenants) {
    if (context.getRemainingTimeInMillis() < RESERVE) break;
    await withContext({ actor: { type: "system", tenantId }, requestId }, async () => {
      for (const sweep of sweeps) {
        try {
          const swept = await sweep.run();
          done[sweep.name] = (done[sweep.name] ?? 0) + swept;
        } catch (error) {
          count("SweepFailures", 1, { sweep: sweep.name });
          log.error("sweep failed", { error, sweep: sweep.name });
        }
      }
    });
  }
  count("SweepRuns");
  log.info("swept", { tenants: tenants.length, ...done });
}

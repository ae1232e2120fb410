import type { MiddlewareHandler } from "hono";
import { context } from "../../core/kernel/actor.js";
import { checkReadiness } from "../../core/kernel/database.js";
import { passDoor } from "../../core/rate/index.js";
import { log } from "../log.js";
import { reachable } from "../nudge.js";
import type { App, AppEnv } from "./hono.js";

/** Limits the callers of what is no operation, by their address. */
export const takeOpenTokens =
  (cost = 1): MiddlewareHandler<AppEnv> =>
  async (_, next) => {
    await passDoor("open", context().address ?? "", cost);
    await next();
  };

/** Tokens of a question that asks the database and the queue. */
const READY_COST = 3;
const headers = { "cache-control": "no-store" };

/**
 * `/health`: this process runs. `/ready`: its dependencies are ready; 503 when one is not. Anybody may ask, so that only
 * the log says which one.
 */
export function healthRoutes(app: App): void {
  app.get("/health", takeOpenTokens(), (c) => c.json({ status: "ok" }, 200, headers));
  app.get("/ready", takeOpenTokens(READY_COST), async (c) => {
    const [database, queue] = await Promise.all([checkReadiness(), reachable()]);
    const checks = { ...database, queue };
    const ready = Object.values(checks).every((check) => check === "ok");
    if (!ready) log.warn("not ready", { checks });
    return c.json({ status: ready ? "ready" : "not_ready" }, ready ? 200 : 503, headers);
  });
}

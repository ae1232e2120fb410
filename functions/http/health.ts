import { config } from "../../core/kernel/config.js";
import { checkReadiness } from "../../core/kernel/database.js";
import { reachable } from "../nudge.js";
import type { App } from "./hono.js";

/** `/health`: this process runs. `/ready`: its dependencies are ready, each part by name; 503 when one is not. */
export function healthRoutes(app: App): void {
  app.get("/health", (c) => c.json({ status: "ok", stage: config.STAGE }, 200, { "cache-control": "no-store" }));
  app.get("/ready", async (c) => {
    const [database, queue] = await Promise.all([checkReadiness(), reachable()]);
    const checks = { ...database, queue };
    const ready = Object.values(checks).every((check) => check === "ok");
    return c.json({ status: ready ? "ready" : "not_ready", checks }, ready ? 200 : 503, {
      "cache-control": "no-store",
    });
  });
}

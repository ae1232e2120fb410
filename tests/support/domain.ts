import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { withContext } from "../../core/actor.js";
import type { System } from "./global.js";

/**
 * Runs a function of the domain as the system does: what no route calls yet, or not so often at once.
 * @param system whose database; a test file uses one
 */
export function asSystem<T>(
  tenantId: string,
  run: () => Promise<T>,
  { appUrl, proxy }: Pick<System, "appUrl" | "proxy"> = inject("system"),
): Promise<T> {
  Object.assign(process.env, { STAGE: "test", DATABASE_URL: appUrl, NEON_PROXY: proxy });
  return withContext(
    { actor: { type: "system", tenantId }, requestId: `req_${randomUUID().replaceAll("-", "")}` },
    run,
  );
}

import { randomUUID } from "node:crypto";
import { inject, vi } from "vitest";
import { withContext } from "../../core/kernel/actor.js";
import "../../functions/modules/index.js"; // the domain asks its registries
import type { System } from "./global.js";

type Databases = Pick<System, "appUrl" | "proxy">;

function contextOf(tenantId: string, { appUrl, proxy }: Databases) {
  Object.assign(process.env, { STAGE: "test", DATABASE_URL: appUrl, NEON_PROXY: proxy });
  const requestId = `req_${randomUUID().replaceAll("-", "")}`;
  return { actor: { type: "system", tenantId }, requestId } as const;
}

/**
 * Runs a function of the domain as the system does: what no route calls, or not so often at once. All of a test file's
 * go through one connection, as in one environment: they do not race.
 * @param system whose database; a test file uses one
 */
export const asSystem = <T>(
  tenantId: string,
  run: () => Promise<T>,
  system: Databases = inject("system"),
): Promise<T> => withContext(contextOf(tenantId, system), run);

/** The same in so many environments, each with modules and a connection of its own: these do race. */
export async function environments<Domain>(count: number, load: () => Promise<Domain>) {
  const all = [];
  for (let made = 0; made < count; made += 1) {
    vi.resetModules();
    const actor = await import("../../core/kernel/actor.js");
    await import("../../functions/modules/index.js");
    const domain = await load();
    all.push(<T>(tenantId: string, run: (domain: Domain) => Promise<T>, system: Databases = inject("system")) =>
      actor.withContext(contextOf(tenantId, system), () => run(domain)),
    );
  }
  return all;
}

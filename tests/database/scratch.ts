import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import { migrate } from "../../drizzle/migrate.js";
import type { TenantTable } from "../../drizzle/table.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";

/** A database of the test file's own, migrated from nothing. One file at a time has one: roles belong to all databases. */
export function scratchDatabase(tables: readonly TenantTable[]) {
  const { adminUrl, appUrl, relayUrl, proxy } = inject("system");
  const name = `scratch_${randomBytes(4).toString("hex")}`;
  const within = (url: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const target = { adminUrl: within(adminUrl), appUrl: within(appUrl), relayUrl: within(relayUrl), proxy };
  const server = new pg.Pool({ connectionString: adminUrl, max: 1 });
  const pool = new pg.Pool({ connectionString: target.adminUrl, max: 4 });
  for (const each of [server, pool]) each.on("error", () => undefined);
  const apply = (changed = tables) => migrate({ ...target, folder: `${projectRoot}/drizzle` }, changed);

  beforeAll(async () => {
    await server.query(`create database ${name}`);
    await apply();
  }, 300_000);
  afterAll(async () => {
    await pool.end();
    await server.query(`drop database if exists ${name} with (force)`);
    await server.end();
  }, 60_000);
  return { pool, migrate: apply };
}

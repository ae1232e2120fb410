import { config, requireConfig } from "../core/kernel/config.js";
import { migrate } from "../drizzle/migrate.js";
import { log } from "./log.js";
import { modules } from "./modules/index.js";
import { packagedPath } from "./package-path.js";

/** Runs at each deployment, before new code takes requests; expand first, contract later. */
export async function handler(): Promise<{ applied: number }> {
  requireConfig("migrate");
  const target = {
    adminUrl: config.MIGRATE_DATABASE_URL,
    appUrl: config.DATABASE_URL,
    relayUrl: config.RELAY_DATABASE_URL,
    proxy: config.NEON_PROXY,
    folder: packagedPath("database"),
  };
  const tables = modules.flatMap((module) => module.tables ?? []);
  const result = await migrate(target, tables);
  log.info("migrated", result);
  return result;
}

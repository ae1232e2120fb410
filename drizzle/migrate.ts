import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@neondatabase/serverless";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { configureDriver } from "./client.js";

export interface MigrationTarget {
  /** Direct endpoint (not the pooler: the lock belongs to a session), an administrator who may make roles. */
  adminUrl: string;
  /** Whose passwords the roles get. */
  appUrl: string;
  relayUrl: string;
  proxy?: string | undefined;
  /** Where `migrations/`, `roles.sql`, `before.sql`, `harden.sql` and `platform.sql` are. */
  folder: string;
}

/** Any number that nobody else locks. */
const LOCK = 7_310_402;

/**
 * Brings the database to the newest migration, under a lock that makes a second runner wait: roles, then in one
 * transaction of their owner the migrations and what generated SQL cannot say (FORCE, grants, triggers), then the
 * platform's functions. Where nothing is new, no table is locked.
 * @returns how many migrations were applied
 */
export async function migrate(target: MigrationTarget): Promise<{ applied: number }> {
  configureDriver(target.proxy);
  const client = new Client(target.adminUrl);
  client.on("error", () => undefined); // a broken connection fails the running query
  await client.connect();
  const text = (name: string) => readFileSync(join(target.folder, name), "utf8");
  const file = (name: string) => client.query(text(name));
  try {
    await client.query(`select pg_advisory_lock(${LOCK})`);
    const pending = await pendingOf(client, target.folder);
    const rules = createHash("sha256").update(text("before.sql")).update(text("harden.sql")).digest("hex");
    await file("roles.sql");
    await setPassword(client, target.appUrl);
    await setPassword(client, target.relayUrl);
    if (pending.length > 0 || rules !== (await rulesOf(client))) {
      // A statement that policies would filter fails instead of changing nothing; a lock that is not had in time too.
      await client.query(
        "begin; set local role stoa_owner; set local row_security = off; set local lock_timeout = '5s'",
      );
      await file("before.sql");
      for (const migration of pending) {
        for (const statement of migration.sql) await client.query(statement);
        const values = [migration.hash, migration.folderMillis];
        await client.query("insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)", values);
      }
      await file("harden.sql");
      await client.query(`comment on schema drizzle is '${rules}'`);
      await client.query("commit");
    }
    await file("platform.sql");
    return { applied: pending.length };
  } finally {
    await client.end();
  }
}

/** The fingerprint of the rules that were applied last: they change without a migration. */
async function rulesOf(client: Client): Promise<string | undefined> {
  const { rows } = await client.query(
    "select obj_description(to_regnamespace('drizzle')::oid, 'pg_namespace') as rules",
  );
  return rows[0]?.rules ?? undefined;
}

/** Those that are younger than the newest one that was applied. */
async function pendingOf(client: Client, folder: string) {
  const migrations = readMigrationFiles({ migrationsFolder: join(folder, "migrations") });
  const { rows } = await client.query("select to_regclass('drizzle.__drizzle_migrations') is not null as known");
  if (!rows[0]?.known) return migrations;
  const newest = await client.query("select coalesce(max(created_at), 0) as at from drizzle.__drizzle_migrations");
  return migrations.filter(({ folderMillis }) => folderMillis > Number(newest.rows[0]?.at));
}

async function setPassword(client: Client, url: string): Promise<void> {
  const { username, password } = new URL(url);
  const secret = client.escapeLiteral(decodeURIComponent(password));
  await client.query(`alter role ${client.escapeIdentifier(username)} password ${secret}`);
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@neondatabase/serverless";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { configureDriver } from "./client.js";
import { describeTables, dueFunction } from "./rules.js";
import type { TenantTable } from "./table.js";

export interface MigrationTarget {
  /** Direct endpoint (not the pooler: the lock belongs to a session), an administrator who may make roles. */
  adminUrl: string;
  /** URLs with the passwords that the roles get. */
  appUrl: string;
  relayUrl: string;
  proxy?: string | undefined;
  /** The directory of `migrations/` and of the other SQL files. */
  folder: string;
}

/** Two keys, because the roles of the application take only locks with one. */
const LOCK = "7310, 402";

/**
 * Brings the database to the newest migration, under a lock that makes a second runner wait. Roles come first, then in
 * one transaction the migrations, the rules of the tables (FORCE, policies, grants, triggers) and the functions of the
 * platform. Where neither a migration nor a rule is new, no table is locked.
 * @param tables all of them, as the modules list them
 * @returns how many migrations were applied
 */
export async function migrate(target: MigrationTarget, tables: readonly TenantTable[]): Promise<{ applied: number }> {
  configureDriver(target.proxy);
  const client = new Client(target.adminUrl);
  client.on("error", () => undefined); // a broken connection fails the running query
  await client.connect();
  try {
    await client.query(`select pg_advisory_lock(${LOCK})`);
    await client.query(readSql(target, "roles"));
    await setPassword(client, target.appUrl);
    await setPassword(client, target.relayUrl);
    const pending = await pendingOf(client, target.folder);
    const rules = rulesFor(target, tables);
    if (pending.length > 0 || rules.fingerprint !== (await fingerprintOf(client)))
      await apply(client, target, pending, rules);
    return { applied: pending.length };
  } finally {
    await client.end();
  }
}

const readSql = ({ folder }: MigrationTarget, name: string) => readFileSync(join(folder, `${name}.sql`), "utf8");

/** All that is stated again when any of it is new. */
function rulesFor(target: MigrationTarget, tables: readonly TenantTable[]) {
  const described = JSON.stringify(describeTables(tables));
  const byOwner = [readSql(target, "rules"), readSql(target, "ledger")];
  const byAdministrator = [readSql(target, "platform"), dueFunction(tables)];
  const hash = createHash("sha256");
  for (const text of [described, ...byOwner, ...byAdministrator]) hash.update(text);
  return { described, byOwner, byAdministrator, fingerprint: hash.digest("hex") };
}

type Migrations = ReturnType<typeof readMigrationFiles>;

async function apply(
  client: Client,
  target: MigrationTarget,
  pending: Migrations,
  { described, byOwner, byAdministrator, fingerprint }: ReturnType<typeof rulesFor>,
): Promise<void> {
  // A statement that policies would filter fails instead of changing nothing; one that waits for a lock fails in time.
  await client.query("begin; set local role stoa_owner; set local row_security = off; set local lock_timeout = '5s'");
  if (pending.length > 0) await client.query(readSql(target, "before"));
  for (const migration of pending) {
    for (const statement of migration.sql) await client.query(statement);
    const values = [migration.hash, migration.folderMillis];
    await client.query("insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)", values);
  }
  await client.query("select set_config('stoa.tables', $1, true)", [described]);
  for (const text of byOwner) await client.query(text);
  await client.query(`comment on schema drizzle is '${fingerprint}'`);
  await client.query("set local role none");
  for (const text of byAdministrator) await client.query(text);
  await client.query("commit");
}

/** The fingerprint of the rules that were applied last: they change without a migration. */
async function fingerprintOf(client: Client): Promise<string | undefined> {
  const { rows } = await client.query(
    "select obj_description(to_regnamespace('drizzle')::oid, 'pg_namespace') as rules",
  );
  return rows[0]?.rules ?? undefined;
}

/** Migrations that are younger than the newest one in the database. */
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

import { sql } from "drizzle-orm";
import { NeonHttpDatabase, NeonHttpSession } from "drizzle-orm/neon-http";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Client } from "./client.js";
import { retryConnection } from "./fault.js";

/** A function of the schema `platform` and its arguments. */
export type PlatformCall = readonly [
  name:
    | "find_tenant"
    | "take_token"
    | "due_tenants"
    | "forget_buckets"
    | "receive_stripe_event"
    | "forget_stripe_events",
  ...args: readonly (string | number)[],
];

/**
 * Calls functions of the schema `platform`, the only statements that run without a tenant. One round trip for all calls.
 * @returns the rows of each call
 */
export async function callPlatform(client: Client, calls: readonly PlatformCall[]): Promise<unknown[][]> {
  const dialect = new PgDialect();
  const q = new NeonHttpDatabase(dialect, new NeonHttpSession(client.http, dialect, undefined), undefined);
  const queries = calls.map(([name, ...args]) => {
    const values = sql.join(
      args.map((value) => sql`${value}`),
      sql`, `,
    );
    return q.execute(sql`select * from platform.${sql.identifier(name)}(${values})`);
  });
  const results: readonly { rows: unknown[] }[] = await retryConnection(() => q.batch(queries as never));
  return results.map(({ rows }) => rows);
}

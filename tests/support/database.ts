import pg from "pg";
import { afterAll, inject } from "vitest";

/** A superuser's connection, which sees behind both walls. */
export function administrator(): pg.Pool {
  const pool = new pg.Pool({ connectionString: inject("system").adminUrl, max: 4 });
  pool.on("error", () => undefined);
  afterAll(() => pool.end());
  return pool;
}

/** A connection as the application has it. */
export function asApp(): pg.Pool {
  const pool = new pg.Pool({ connectionString: inject("system").appUrl, max: 4 });
  pool.on("error", () => undefined);
  afterAll(() => pool.end());
  return pool;
}

/** Names of all tables that carry a tenant. */
export async function tenantTables(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(`
    select c.relname as name from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1`);
  return rows.map(({ name }) => name);
}

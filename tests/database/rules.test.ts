import { readdirSync } from "node:fs";
import { getTableName, is } from "drizzle-orm";
import { PgTable, text } from "drizzle-orm/pg-core";
import { describe, expect, test, vi } from "vitest";
import { tenantTable } from "../../drizzle/table.js";
import { modules } from "../../functions/modules/index.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { differences } from "./difference.js";
import { scratchDatabase } from "./scratch.js";

vi.setConfig({ testTimeout: 120_000 });
const tables = modules.flatMap((module) => module.tables ?? []);
const { pool, migrate } = scratchDatabase(tables);
const without = (name: string) => tables.filter((table) => getTableName(table) !== name);
const changed = tenantTable("region", { id: text("id").notNull() }, undefined, {
  appendOnly: true,
  relay: { select: ["id"], update: ["updatedAt"] },
});

test("every table of a schema file is a module's, once", async () => {
  const files = ["core", "plugins"].flatMap((folder) =>
    readdirSync(`${projectRoot}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".sql.ts"))
      .map((file) => `${projectRoot}/${folder}/${file}`),
  );
  const found = await Promise.all(files.map((file) => import(file)));
  const declared = found.flatMap((exported) => Object.values(exported)).filter((value) => is(value, PgTable));
  expect(tables.map(getTableName).sort()).toEqual(declared.map((table) => getTableName(table as PgTable)).sort());
});

test("every table of a module has its rules in the database", async () => {
  expect(await differences(pool, tables)).toEqual([]);
});

describe("a rule that is broken on purpose is found", () => {
  test.each([
    ["alter table cart no force row level security", "cart security"],
    ["alter table cart disable row level security", "cart security"],
    ["drop policy cart_tenant on cart", "cart policies"],
    ["drop policy cart_due on cart", "cart policies"],
    ["create policy open on cart to stoa_app using (true)", "cart policies"],
    ["drop trigger ledger_entry_append_only on ledger_entry", "ledger_entry triggers"],
    ["drop trigger ledger_entry_no_truncate on ledger_entry", "ledger_entry triggers"],
    ["grant update on ledger_entry to stoa_app", "ledger_entry app"],
    ["grant truncate on cart to stoa_app", "cart app"],
    ["revoke insert on cart from stoa_app", "cart app"],
    ["grant select (data) on event to stoa_relay", "event relaySelects"],
    ["revoke select (expires_at) on cart from stoa_platform", "cart platformSelects"],
    ["drop index cart_expires_at_due", "cart dueIndexes"],
    ["alter table rate_bucket set logged", "rate_bucket kept"],
    ["drop table sales_day", "sales_day: is in no migration"],
  ])("%s", async (statement, difference) => {
    const client = await pool.connect();
    try {
      await client.query(`begin; ${statement}`);
      expect(await differences(client, tables)).toEqual([expect.stringContaining(difference)]);
    } finally {
      await client.query("rollback");
      client.release();
    }
  });
});

describe("migrate()", () => {
  test("locks no table when nothing is new", async () => {
    const client = await pool.connect();
    try {
      const { rows } = await client.query(
        "select oid::regclass as name from pg_class where relkind = 'r' and relnamespace in ('public'::regnamespace, 'platform'::regnamespace)",
      );
      await client.query(`begin; lock table ${rows.map(({ name }) => name).join()} in access exclusive mode`);
      expect(await migrate()).toEqual({ applied: 0 });
    } finally {
      await client.query("rollback");
      client.release();
    }
  });

  test("applies a rule that changed without a migration, and takes it back; other tables are not locked", async () => {
    const client = await pool.connect();
    const others = [...without("region"), changed];
    try {
      await client.query("begin; select from product");
      expect(await migrate(others)).toEqual({ applied: 0 });
      expect(await differences(pool, others)).toEqual([]);
      await expect(pool.query("truncate region cascade")).rejects.toThrow("append-only");
      await migrate();
    } finally {
      await client.query("rollback");
      client.release();
    }
    expect(await differences(pool, tables)).toEqual([]);
  });

  test("leaves a table whose module was removed as it is, and its tenants are not searched for it", async () => {
    await migrate(without("reservation"));
    expect(await differences(pool, tables)).toEqual([]);
    const { rows } = await pool.query("select pg_get_functiondef('platform.due_tenants(text)'::regprocedure) as body");
    expect(rows[0].body).toContain("'cart'");
    expect(rows[0].body).not.toContain("reservation");
    await migrate();
  });

  test("refuses a table that no migration made, and changes nothing", async () => {
    const lost = tenantTable("lost", { id: text("id").notNull() });
    await expect(migrate([...without("region"), changed, lost])).rejects.toThrow(
      'The table "lost" of a module is in no migration.',
    );
    expect(await differences(pool, tables)).toEqual([]);
  });
});

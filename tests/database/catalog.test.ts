import { getTableName } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { rulesOf } from "../../drizzle/table.js";
import { modules } from "../../functions/modules/index.js";
import { administrator, tenantTables } from "../support/database.js";

const admin = administrator();
const names = async (query: string) => (await admin.query(query)).rows.map((row) => Object.values(row).join(" "));

/** Unique indexes without tenant_id, each with its reason. */
const GLOBAL_UNIQUE = [
  "payment_account payment_account_account", // an account at a provider, and
  "subscription subscription_customer", // a customer of the platform, belong to one tenant
  "tenant tenant_slug", // people type it to log in
];
const tables = modules.flatMap((module) => module.tables ?? []);
/** Indexes that serve all tenants: those of the relay and, for each rule of due rows, that of the sweep. */
const GLOBAL_INDEXES = [
  "event event_unpublished",
  "job job_due",
  "rate_bucket rate_bucket_forget", // the sweep deletes buckets of all tenants, and of none
  ...tables.flatMap((table) => {
    const name = getTableName(table);
    return rulesOf(table).due.map(({ at }) => `${name} ${name}_${at.name}_due`);
  }),
  ...GLOBAL_UNIQUE,
];
/** Functions that run as their owner, and who may call them. */
const DEFINERS = [
  "platform.due_tenants stoa_app",
  "platform.find_tenant stoa_app",
  "platform.forget_addresses stoa_app",
  "platform.forget_buckets stoa_app",
  "platform.forget_stripe_events stoa_app",
  "platform.receive_stripe_event stoa_app",
  "platform.take_token stoa_app",
];
const APPEND_ONLY = ["ledger_entry", "ledger_transaction", "order_timeline", "payment_event", "sale_fact"].concat(
  "stock_movement",
);

describe("the catalog of the database", () => {
  test("holds tables of tenants only", async () => {
    const tables = await names(
      "select relname from pg_class where relkind in ('r', 'p', 'v', 'm') and relnamespace = 'public'::regnamespace",
    );
    expect(tables.sort()).toEqual(await tenantTables(admin));
    expect(tables.length).toBeGreaterThan(25);
  });

  test("forces row-level security on each of them", async () => {
    expect(
      await names(`select c.relname from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        and not (c.relrowsecurity and c.relforcerowsecurity)`),
    ).toEqual([]);
  });

  test("has one policy for the tenant on each, for all commands, with both expressions", async () => {
    const policies =
      await names(`select tablename, policyname from pg_policies where schemaname = 'public' and cmd = 'ALL'
      and roles = '{public}' and qual like '%tenant_id = ( SELECT (NULLIF(current_setting(%' and with_check = qual`);
    expect(policies.sort()).toEqual((await tenantTables(admin)).map((table) => `${table} ${table}_tenant`));
    const others = await names(
      `select policyname, roles::text from pg_policies where schemaname = 'public' and roles <> '{public}'`,
    );
    for (const policy of others)
      expect(policy).toMatch(/^(event|job)_relay \{stoa_relay\}$|_(platform|due) \{stoa_platform\}$/);
  });

  test("begins every key and index with tenant_id", async () => {
    const query = (
      also: string,
    ) => `select i.indrelid::regclass::text, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = 'public'::regnamespace and ${also}
        and (select a.attname from pg_attribute a where a.attrelid = i.indrelid and a.attnum = i.indkey[0]) is distinct from 'tenant_id'`;
    expect((await names(query("true"))).sort()).toEqual([...GLOBAL_INDEXES].sort());
    expect((await names(query("i.indisunique"))).sort()).toEqual(GLOBAL_UNIQUE);
  });

  test("carries tenant_id in every foreign key to a tenant's row", async () => {
    expect(
      await names(`select con.conrelid::regclass::text, con.conname from pg_constraint con where con.contype = 'f'
        and not exists (select from unnest(con.conkey) k join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k where a.attname = 'tenant_id')`),
    ).toEqual([]);
    expect(
      await names("select conname from pg_constraint where contype = 'f' and (confdeltype = 'c' or not convalidated)"),
    ).toEqual([]);
  });

  test("ties each table to its tenant", async () => {
    const tied = await names(
      `select conrelid::regclass::text from pg_constraint where contype = 'f' and confrelid = 'tenant'::regclass and cardinality(conkey) = 1`,
    );
    const wanted = (await tenantTables(admin)).filter((table) => !["tenant", "rate_bucket"].includes(table));
    expect(tied.map((name) => name.replaceAll('"', "")).sort()).toEqual(wanted);
  });

  test("lets nobody but the listed functions run as their owner, with a fixed search_path", async () => {
    const granted = await names(`select p.pronamespace::regnamespace::text || '.' || p.proname, r.rolname from pg_proc p
      cross join pg_roles r where p.prosecdef and p.pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
      and has_function_privilege(r.oid, p.oid, 'execute') and r.rolname in ('stoa_app', 'stoa_relay')`);
    expect(granted.sort()).toEqual(DEFINERS);
    const loose =
      await names(`select p.proname from pg_proc p where p.prosecdef and p.pronamespace = 'platform'::regnamespace
      and (p.proconfig is null or not p.proconfig::text like '%search_path=pg_catalog%' or pg_get_userbyid(p.proowner) <> 'stoa_platform'
           or has_function_privilege('public', p.oid, 'execute'))`);
    expect(loose).toEqual([]);
  });

  test("has no view, materialised view, or volatile function in a policy", async () => {
    expect(
      await names(
        "select relname from pg_class where relkind in ('v', 'm') and relnamespace in ('public'::regnamespace, 'platform'::regnamespace)",
      ),
    ).toEqual([]);
    expect(
      await names(
        "select policyname from pg_policies where schemaname = 'public' and (qual ~ '[a-z_]+\\.[a-z_]+\\(' or qual ~ 'tenant_id\\)?::')",
      ),
    ).toEqual([]);
  });

  test("gives the roles what they need and nothing more", async () => {
    expect(
      await names(`select rolname from pg_roles where rolname in ('stoa_app', 'stoa_relay', 'stoa_platform', 'stoa_owner')
        and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)`),
    ).toEqual([]);
    const grants = await names(`select grantee, privilege_type, table_name from information_schema.role_table_grants
      where grantee in ('stoa_app', 'stoa_relay') and table_schema = 'public' and privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')`);
    expect(grants).toEqual([]);
    expect(
      await names(
        "select table_name from information_schema.role_table_grants where grantee = 'stoa_relay' and table_schema = 'public'",
      ),
    ).toEqual([]);
    const platform = await names(
      "select table_name, column_name from information_schema.column_privileges where grantee = 'stoa_platform' and table_schema = 'public' and privilege_type in ('INSERT', 'UPDATE')",
    );
    const job = ["id", "name", "payload", "request_id", "tenant_id", "unique_key"].map((column) => `job ${column}`);
    expect(platform.sort()).toEqual([...job, "rate_bucket forget_at"]); // a lock needs the right to update a column
    expect(
      await names(
        "select tablename, cmd, with_check from pg_policies where roles = '{stoa_platform}' and cmd not in ('SELECT')",
      ),
    ).toEqual(["rate_bucket ALL ", "job INSERT (name = 'stripe.event'::text)"]);
    const relay = await names(
      "select table_name, column_name from information_schema.column_privileges where grantee = 'stoa_relay' and privilege_type = 'UPDATE'",
    );
    expect(relay.sort()).toEqual([
      "event attempts",
      "event dead_at",
      "event last_error",
      "event next_attempt_at",
      "event published_at",
      "event updated_at",
      "job sent_at",
      "job updated_at",
    ]);
    expect(
      await names("select relname from pg_class where relowner in ('stoa_app'::regrole, 'stoa_relay'::regrole)"),
    ).toEqual([]);
  });

  test("keeps append-only tables append-only, even for the owner", async () => {
    const kept = await names("select tgrelid::regclass::text from pg_trigger where tgname like '%\\_append\\_only'");
    expect(kept.sort()).toEqual(APPEND_ONLY);
    for (const table of APPEND_ONLY) {
      await expect(admin.query(`truncate ${table} cascade`)).rejects.toThrow("append-only");
      const { rows } = await admin.query(
        "select has_table_privilege('stoa_app', $1, 'update') or has_table_privilege('stoa_app', $1, 'delete') as may",
        [table],
      );
      expect(rows[0].may).toBe(false);
    }
  });
});

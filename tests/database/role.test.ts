import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Client } from "../../drizzle/client.js";
import { checkRole } from "../../drizzle/role.js";
import { administrator, asApp } from "../support/database.js";

const { appUrl, adminUrl, proxy } = inject("system");
const app = new Client({ url: appUrl, proxy });
const superuser = new Client({ url: adminUrl, proxy });
const admin = administrator();
const direct = asApp();
afterAll(() => Promise.all([app.end(), superuser.end()]));

describe("roles", () => {
  test("a process refuses a role that could bypass policies", async () => {
    await expect(checkRole(superuser)).rejects.toThrow(/superuser/);
    await admin.query("create role bypass_test login bypassrls password 'x' in role stoa_app");
    try {
      const url = Object.assign(new URL(appUrl), { username: "bypass_test", password: "x" }).href;
      const client = new Client({ url, proxy });
      await expect(checkRole(client)).rejects.toThrow(/BYPASSRLS/);
      await client.end();
    } finally {
      await admin.query("drop role bypass_test");
    }
    await expect(checkRole(app)).resolves.toBeUndefined();
  });

  describe("that may change their own defaults", () => {
    const name = `defaults_${Math.random().toString(36).slice(2, 10)}`;
    const database = new URL(appUrl).pathname.slice(1);
    const url = Object.assign(new URL(appUrl), { username: name, password: "x" }).href;
    const stated: [string, string][] = [
      ["statement_timeout", "5s"],
      ["lock_timeout", "2s"],
      ["idle_in_transaction_session_timeout", "10s"],
      ["timezone", "UTC"],
    ];

    beforeAll(async () => {
      await admin.query(`create role ${name} login password 'x'; grant connect on database ${database} to ${name}`);
      for (const [setting, value] of stated) await admin.query(`alter role ${name} set ${setting} = '${value}'`);
    });
    afterAll(() => admin.query(`drop owned by ${name}; drop role ${name}`));

    /** Checks the role as a process does that starts now. */
    async function check(): Promise<void> {
      const client = new Client({ url, proxy });
      await checkRole(client).finally(() => client.end());
    }

    test("are taken with the defaults that a deployment states", () => expect(check()).resolves.toBeUndefined());

    test.each([
      ["standard_conforming_strings", "off", /backslashes/],
      ["row_security", "off", /confine/],
      ["statement_timeout", "0", /limit of time/],
      ["lock_timeout", "0", /limit of time/],
      ["idle_in_transaction_session_timeout", "0", /limit of time/],
      ["timezone", "'Asia/Tokyo'", /time zone/],
      ["search_path", "pg_temp", /another path/],
      ["default_transaction_read_only", "on", /no deployment/],
      ["default_transaction_isolation", "'repeatable read'", /no deployment/],
    ])("are refused with another %s", async (setting, value, reason) => {
      const own = new pg.Client({ connectionString: url });
      await own.connect();
      for (const where of ["", ` in database ${database}`]) {
        await own.query(`alter role ${name}${where} set ${setting} = ${value}`);
        await expect(check()).rejects.toThrow(reason);
        const before = stated.find(([known]) => known === setting);
        await own.query(
          before && where === ""
            ? `alter role ${name} set ${setting} = '${before[1]}'`
            : `alter role ${name}${where} reset ${setting}`,
        );
      }
      await own.end();
      await check();
    });
  });

  test("an injected statement finds no side door", async () => {
    const { rows } = await admin.query(`
      select oid::regprocedure::text as name from pg_proc
       where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege('stoa_app', oid, 'execute')
         and (proname ~ 'advisory.*lock|^lo_|^lo(read|write)$' and proname !~ 'unlock'
           or proname in ('pg_notify', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_stat_get_activity'))
       order by 1`);
    expect(rows.map((row) => row.name)).toEqual([
      "pg_advisory_xact_lock(bigint)",
      "pg_advisory_xact_lock_shared(bigint)",
      "pg_try_advisory_xact_lock(bigint)",
      "pg_try_advisory_xact_lock_shared(bigint)",
    ]);
    for (const text of [
      "select lo_create(0)",
      "select lo_from_bytea(0, 'x')",
      "select pg_notify('a', 'b')",
      "select pg_advisory_lock(7310402)",
      "select pg_advisory_lock(7310, 402)",
      "select pg_advisory_xact_lock(7310, 402)",
      "select pg_terminate_backend(pg_backend_pid())",
      "select query from pg_stat_activity",
    ])
      await expect(direct.query(text), text).rejects.toThrow(/permission denied/);
  });
});

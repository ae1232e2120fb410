import { type Column, getTableColumns, getTableName, SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { describe, expect, test, vi } from "vitest";
import { dueSearch } from "../../drizzle/rules.js";
import { type Due, rulesOf, type TenantTable } from "../../drizzle/table.js";
import { modules } from "../../functions/modules/index.js";
import { administrator } from "../support/database.js";

vi.setConfig({ testTimeout: 120_000 });
const tables = modules.flatMap((module) => module.tables ?? []);
const searches = tables.flatMap((table) =>
  rulesOf(table).due.map((due) => ({ name: getTableName(table), table, due })),
);
const admin = administrator();
const dialect = new PgDialect();
const TENANT = "md5((i / 2)::text)::uuid";

/** An expression for row `i` of a generated table: what is listed in turn, what is unique by its number. */
function expressionFor(column: Column): string | undefined {
  const { enumValues, notNull, hasDefault } = column;
  if (column.name === "tenant_id") return TENANT;
  if (enumValues?.length) return `('{${enumValues.join()}}'::text[])[1 + i % ${enumValues.length}]`;
  if (!notNull || hasDefault) return undefined;
  const type = column.getSQLType();
  if (type === "uuid") return "gen_random_uuid()";
  if (type.startsWith("char")) return "left('EUR', length('EUR'))::bpchar(3)";
  if (type === "text") return "'value ' || i";
  if (type === "jsonb") return "'{}'";
  if (type === "timestamptz") return "now()";
  return type === "boolean" ? "false" : "1";
}

/** Fills a table with rows that are due in the given number of minutes. */
function fill(table: TenantTable, { at, after }: Due, rows: number, minutes: string): string {
  const values = Object.values(getTableColumns(table)).flatMap((column) => {
    const value =
      column.name === at.name
        ? `now() - interval '${after ?? "0"}' + (${minutes}) * interval '1 minute'`
        : expressionFor(column);
    return value === undefined ? [] : [[`"${column.name}"`, value] as const];
  });
  return `insert into "${getTableName(table)}" (${values.map(([name]) => name).join()})
    select ${values.map(([, value]) => value).join()} from generate_series(1, ${rows}) i on conflict do nothing`;
}

interface Plan {
  "Relation Name"?: string;
  "Index Name"?: string;
  "Shared Hit Blocks": number;
  "Shared Read Blocks": number;
  Plans?: Plan[];
}
const pages = (plan: Plan) => plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

/** Runs in a transaction that is rolled back, without foreign keys and triggers. */
async function scratch<T>(
  run: (query: (text: string) => Promise<Record<string, unknown>[]>) => Promise<T>,
): Promise<T> {
  const client = await admin.connect();
  try {
    await client.query("begin; set local session_replication_role = replica");
    return await run(async (text) => (await client.query(text)).rows);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

describe.each(searches)("due rows of $name", ({ name, table, due }) => {
  test("are found by their index, at a cost that does not grow with the rows of all tenants", async () => {
    const [few, many] = await scratch(async (query) => {
      await query(fill(table, due, 20, "-1"));
      const explain = async (rows: number): Promise<Plan> => {
        await query(fill(table, due, rows, "1 + i"));
        await query(`analyze "${name}"; set local role stoa_platform`);
        const [row] = await query(`explain (analyze, buffers, format json) ${dueSearch(table, due)}`);
        await query("set local role none");
        return (row as { "QUERY PLAN": [{ Plan: Plan }] })["QUERY PLAN"][0].Plan;
      };
      return [await explain(10_000), await explain(60_000)] as const;
    });
    const scans = nodes(many).filter((node) => node["Relation Name"] === name);
    const index = `${name}_${due.at.name}_due`;
    expect(scans.map((scan) => scan["Index Name"])).toEqual([index, index]);
    expect(pages(many)).toBeLessThan(pages(few) + 60);
  });

  test("are those that the condition says, and no others", async () => {
    await scratch(async (query) => {
      const where = due.where instanceof SQL ? dialect.sqlToQuery(due.where.inlineParams()).sql : "true";
      await query(fill(table, due, 400, "i % 2 * 1000 - 500"));
      const wanted = await query(`select distinct tenant_id::text as id from "${name}"
        where ${due.at.name} <= now() - interval '${due.after ?? "0"}' and ${where} order by 1`);
      const found = await query(`select distinct id::text from platform.due_tenants('${name}') order by 1`);
      expect(found).toEqual(wanted);
      expect(found.length).toBeGreaterThan(0);
    });
  });
});

test("a tenant with more due rows than a search reads hides neither the oldest nor the newest of the others", async () => {
  const cart = searches.find(({ name }) => name === "cart");
  if (!cart) throw new Error("Carts are due no more.");
  await scratch(async (query) => {
    await query(fill(cart.table, cart.due, 30_000, "-100"));
    await query(`update cart set tenant_id = '00000000-0000-7000-8000-000000000001', status = 'open'`);
    for (const [id, minutes] of [
      ["2", "-200"],
      ["3", "-1"],
    ]) {
      await query(
        fill(cart.table, cart.due, 2, minutes as string).replace(
          TENANT,
          `'00000000-0000-7000-8000-00000000000${id}'::uuid`,
        ),
      );
    }
    const found = await query("select distinct id::text from platform.due_tenants('cart') order by 1");
    expect(found.map(({ id }) => String(id).slice(-1))).toEqual(expect.arrayContaining(["1", "2", "3"]));
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { putOn } from "../billing/plan.js";
import { buy } from "../messages/system.js";
import { tenantUuid } from "../race/race.js";
import { type Body, eventually, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { expectPages } from "../support/list.js";
import { outcome } from "../support/outcome.js";

const path = "/v1/admin/reports/sales";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const sales = async (query = "", tenant = mine): Promise<Body[]> => (await tenant.get(path + query)).data;
const amounts = (day: Body) =>
  ["gross", "cancelled", "refunded", "net", "revenue"].map((name) => {
    expect(day[name].currency).toBe("EUR");
    return day[name].amount;
  });
const seen = (day: Body | undefined) => day && [day.orders, day.cancelledOrders, ...amounts(day)];

describe("what became of the orders of a day", () => {
  const wanted = [6, 2, 12_000, 3_300, 3_200, 5_500, 5_500];

  beforeAll(async () => {
    const { variantId } = await newProduct(theirs, { stock: 9, amount: 1_500 });
    const ids: string[] = [];
    for (let made = 0; made < 6; made += 1) ids.push((await buy(theirs, variantId)).id); // 20.00 each
    const [, paid, returned, voided, both] = ids;
    const act = (id: string | undefined, what: string, body: object | undefined = {}) =>
      theirs.post(`/v1/admin/orders/${id}/${what}`, body);
    for (const id of [paid, returned, both]) await act(id, "capture");
    await act(returned, "refunds", { amount: 500 });
    await act(returned, "refunds");
    await act(voided, "void", undefined);
    await act(both, "refunds", { amount: 700 }); // of a sale, and then the rest of none
    await act(both, "cancel");
    await act(paid, "refunds", { amount: 500 });
  });

  test("is counted once: placed, cancelled, refunded", async () => {
    await eventually(async () => `${seen((await sales("", theirs))[0])}` === `${wanted}`, 30_000).catch(
      () => undefined,
    );
    const [day] = await sales("", theirs);
    expect(seen(day)).toEqual(wanted);
    expect([day.day, day.timeZone]).toEqual([new Date().toISOString().slice(0, 10), "UTC"]);
  });

  test("is what the ledger says of sales", async () => {
    const { data } = await theirs.get("/v1/admin/ledger/accounts");
    const sold = data.filter(({ account }: Body) => ["sales", "shipping", "tax_payable", "refunds"].includes(account));
    expect(-sold.reduce((sum: number, { balance }: Body) => sum + balance.amount, 0)).toBe(5_500);
  });

  test("is counted the same by the migration that began to count", async () => {
    const facts =
      "select reference, kind, occurred_at, currency, amount from sale_fact where tenant_id = $1 order by 1, 2";
    const sums = `select quarter, currency, orders, cancelled_orders, gross, cancelled, refunded
      from sale_quarter where tenant_id = $1 order by 1, 2`;
    const of = async () => {
      const both = await Promise.all([facts, sums].map((text) => admin.query(text, [tenantUuid(theirs)])));
      return both.map(({ rows }) => rows);
    };
    const before = await of();
    expect(before[0]).toHaveLength(12);
    const folder = `${projectRoot}/drizzle/migrations`;
    const file = readdirSync(folder).find((name) => name.endsWith("_sale_facts.sql"));
    const [, ...backfill] = readFileSync(`${folder}/${file}`, "utf8").split(/(?=-- What was sold before)/);
    const connection = await admin.connect();
    await connection.query("begin; set local session_replication_role = replica");
    for (const table of ["sale_fact", "sale_quarter"])
      await connection.query(`delete from ${table} where tenant_id = $1`, [tenantUuid(theirs)]);
    // Row-level security confines the migrations' role, too, so that no other test's orders are counted here.
    await connection.query("select set_config('app.tenant_id', $1, true)", [tenantUuid(theirs)]);
    await connection.query("set local role stoa_owner");
    await connection.query(backfill.join("").replaceAll("--> statement-breakpoint", ""));
    await connection.query("commit");
    connection.release();
    expect(await of()).toEqual(before);
  });
});

/** An order at each of these instants. */
const place = (tenant: Tenant, instants: readonly string[], currency = "EUR", amount = 1_000) =>
  admin.query(
    `insert into sale_quarter (tenant_id, quarter, currency, orders, gross)
     select $1, floor(extract(epoch from at) / 900), $3, count(*), count(*) * $4::bigint
       from unnest($2::timestamptz[]) at group by 2`,
    [tenantUuid(tenant), instants, currency, amount],
  );

describe("the sales of each day", () => {
  const days = ["2026-11-03 EUR", "2026-11-02 USD", "2026-11-02 EUR", "2026-10-31 EUR"];
  const range = "from=2026-10-01&to=2026-11-30";
  const shown = (rows: Body[]) => rows.map(({ day, net }) => `${day} ${net.currency}`);

  beforeAll(async () => {
    for (const name of days) {
      const [day, currency] = name.split(" ");
      await place(mine, [`${day}T00:00:00Z`, `${day}T23:59:59.999999Z`], currency);
    }
  });

  test("come the newest first, one row for each currency, page by page", async () => {
    expect(shown(await sales(`?${range}`))).toEqual(days);
    expect((await sales(`?${range}`)).map(({ gross }) => gross.amount)).toEqual([2_000, 2_000, 2_000, 2_000]);
    await expectPages(mine, path, `${range}&currency=EUR`);
  });

  test("are found by day and currency", async () => {
    expect(shown(await sales("?from=2026-11-02&to=2026-11-03"))).toEqual(days.slice(0, 3));
    expect(shown(await sales("?to=2026-11-02"))).toEqual(days.slice(1));
    expect(shown(await sales("?from=2026-11-01&to=2026-11-02&currency=EUR"))).toEqual(["2026-11-02 EUR"]);
    expect(await sales("?from=2026-11-04&to=2026-11-05")).toEqual([]);
  });

  test.each([
    ["from=yesterday", "from"],
    ["to=2026-02-30", "to"],
    ["currency=EURO", "currency"],
    ["from=2026-11-02&to=2026-11-01", "from"],
    ["from=2025-11-02&to=2026-11-03", "from"],
    ["from=2020-01-01", "from"],
    ["from=0001-01-01&to=9999-12-31", "from"],
    ...["+02:00", "-0300", "FOO+3", "Mars/Olympus", "Europe/Berlin/", "localtime", ""].map((zone) => [
      `timeZone=${encodeURIComponent(zone)}`,
      "timeZone",
    ]),
  ])("are refused for %s", async (query, field) => {
    const answer = await mine.call("GET", `${path}?${query}`);
    expect([outcome(answer), answer.body.errors.map(({ pointer }: Body) => pointer)]).toEqual([
      "422 invalid_request",
      [`/${field}`],
    ]);
  });

  test("cover 366 days at most, also at the ends of the calendar", async () => {
    for (const query of ["from=2025-11-02&to=2026-11-02", "from=0001-01-01&to=0001-01-02", "to=9999-12-31"])
      expect([query, (await mine.call("GET", `${path}?${query}`)).status]).toEqual([query, 200]);
  });

  test("belong to plans that have reports", async () => {
    await putOn(admin, mine, "starter");
    const refused = await mine.call("GET", path);
    expect([outcome(refused), refused.body.entitlement, refused.body.plan]).toEqual([
      "403 entitlement_required",
      "reports",
      "starter",
    ]);
    await putOn(admin, mine, "growth");
    expect(await sales(`?${range}`)).toHaveLength(4);
  });
});

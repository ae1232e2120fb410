import { beforeAll, describe, expect, test } from "vitest";
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

test("an order is counted on its day, once", async () => {
  const { variantId } = await newProduct(theirs, { stock: 2, amount: 1_500 });
  const orders = [await buy(theirs, variantId), await buy(theirs, variantId)];
  const [day] = await eventually(async () => {
    const days = await sales("", theirs);
    return days[0]?.orders === 2 && days;
  });
  expect(day).toEqual({
    day: orders[1]?.placedAt.slice(0, 10),
    orders: 2,
    revenue: { amount: 4_000, currency: "EUR" }, // two mugs, delivered twice
  });
});

describe("the sales of each day", () => {
  const days = ["2026-11-03 EUR", "2026-11-02 USD", "2026-11-02 EUR", "2026-10-31 EUR"];
  const shown = (rows: Body[]) => rows.map(({ day, revenue }) => `${day} ${revenue.currency}`);

  beforeAll(async () => {
    for (const [index, name] of days.entries()) {
      const [day, currency] = name.split(" ");
      await admin.query(
        "insert into sales_day (tenant_id, day, currency, orders, revenue) values ($1, $2, $3, $4, $5)",
        [tenantUuid(mine), day, currency, index + 1, 1_000],
      );
    }
  });

  test("come the newest first, one row for each currency, page by page", async () => {
    expect(shown(await sales())).toEqual(days);
    await expectPages(mine, path, "currency=EUR");
  });

  test("are found by day and currency", async () => {
    expect(shown(await sales("?from=2026-11-02"))).toEqual(days.slice(0, 3));
    expect(shown(await sales("?to=2026-11-02"))).toEqual(days.slice(1));
    expect(shown(await sales("?from=2026-11-01&to=2026-11-02&currency=EUR"))).toEqual(["2026-11-02 EUR"]);
    expect(await sales("?from=2026-11-04")).toEqual([]);
    for (const query of ["?from=yesterday", "?to=2026-02-30", "?currency=EURO"])
      expect([query, outcome(await mine.call("GET", path + query))]).toEqual([query, "422 invalid_request"]);
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
    expect(await sales()).toHaveLength(4);
  });
});

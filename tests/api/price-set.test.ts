import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { ifMatch, newProduct, newTenants, type Tenant } from "../support/client.js";
import { eventsOf } from "../support/list.js";
import { outcome } from "../support/outcome.js";

let mine: Tenant;
let theirs: Tenant;
let variantId: string;
let path: string;

const price = (currency: string, amount: number, more: object = {}) => ({
  amount,
  currency,
  compareAt: null,
  taxInclusive: true,
  ...more,
});

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  ({ variantId } = await newProduct(mine, { amount: 1_000 }));
  path = `/v1/admin/variants/${variantId}/prices`;
});

describe("the prices of a variant", () => {
  test("are replaced as one, and its version counts up", async () => {
    expect(await mine.get(path)).toEqual({ variantId, prices: [price("EUR", 1_000)], version: 1 });
    const prices = [price("CHF", 1_100, { compareAt: 1_500, taxInclusive: false }), price("JPY", 150)];
    const replaced = await mine.put(path, { prices });
    expect(replaced).toEqual({ variantId, prices, version: 2 });
    expect(await mine.get(path)).toEqual(replaced);
    expect(await eventsOf(mine, "price.changed")).toContainEqual({ variantId });
    expect(await mine.put(path, { prices: [] })).toEqual({ variantId, prices: [], version: 3 });
  });

  test("have a tax that is included, and nothing struck through, unless said otherwise", async () => {
    const { prices } = await mine.put(path, { prices: [{ amount: 0, currency: "EUR" }] });
    expect(prices).toEqual([price("EUR", 0)]);
  });

  test("are replaced by those only who saw the version, when they say which", async () => {
    const { version } = await mine.get(path);
    const answer = await mine.call("PUT", path, { body: { prices: [] }, headers: ifMatch(version) });
    expect([answer.status, answer.headers.get("etag")?.split(".")[0]]).toEqual([200, `"${version + 1}`]);
    const late = await mine.call("PUT", path, { body: { prices: [price("EUR", 1)] }, headers: ifMatch(version) });
    expect([outcome(late), late.body.currentVersion]).toEqual(["412 version_stale", version + 1]);
    expect((await mine.get(path)).prices).toEqual([]);
  });

  test.each([
    ["two in one currency", [price("EUR", 1), price("USD", 1), price("EUR", 2)], "/prices/2/currency"],
    ["an amount below zero", [price("EUR", -1)], "/prices/0/amount"],
    ["an amount in parts of a cent", [price("EUR", 0.5)], "/prices/0/amount"],
    ["an amount that is too large", [price("EUR", 100_000_000_000)], "/prices/0/amount"],
    ["a currency that is none", [price("EURO", 1)], "/prices/0/currency"],
  ])("cannot be %s", async (_, prices, pointer) => {
    expect(await mine.faults("PUT", path, { body: { prices } })).toBe(`422 invalid_request ${pointer}`);
  });

  test("are their tenant's alone, and for the staff", async () => {
    const body = { prices: [] };
    expect(await theirs.outcome("GET", path)).toBe("404 variant.not_found");
    expect(await theirs.outcome("PUT", path, { body })).toBe("404 variant.not_found");
    expect(await mine.outcome("GET", path.replace(variantId, newTypeId("var")))).toBe("404 variant.not_found");
    expect(await mine.shop.outcome("GET", path)).toBe("403 forbidden");
    expect(await mine.shop.outcome("PUT", path, { body })).toBe("403 forbidden");
  });
});

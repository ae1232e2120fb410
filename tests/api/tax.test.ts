import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import {
  address,
  type Body,
  Cart,
  ifMatch,
  newMember,
  newProduct,
  newTenant,
  newTenants,
  type Tenant,
  unique,
} from "../support/client.js";
import { expectPages } from "../support/list.js";

const CLASSES = "/v1/admin/tax-classes";
const RATES = "/v1/admin/tax-rates";
let mine: Tenant;
let theirs: Tenant;
let standard: string;
let reduced: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  [standard, reduced] = (await mine.get(CLASSES)).data.map(({ id }: Body) => id);
});

const newRate = (taxClassId: string, rate: number, country = "DE") => ({
  taxClassId,
  country,
  province: null,
  name: "VAT",
  rate,
});
const put = (rates: object[]) => mine.put(RATES, { rates });
const refused = (rates: object[]) => mine.faults("PUT", RATES, { body: { rates } });

test("tax classes are standard, reduced and exempt to begin with, in pages", async () => {
  const { data } = await mine.get(CLASSES);
  expect(data.map(({ code, name, isDefault }: Body) => [code, name, isDefault])).toEqual([
    ["standard", "Standard", true],
    ["reduced", "Reduced", false],
    ["exempt", "Exempt", false],
  ]);
  await expectPages(mine, CLASSES);
});

describe("tax rates", () => {
  test("are replaced as one, in pages", async () => {
    expect((await mine.get(RATES)).data).toHaveLength(3);
    const rates = [newRate(standard, 1_900), newRate(reduced, 700), newRate(standard, 2_000, "AT")];
    const { data } = await put(rates);
    expect(data).toEqual(rates.map((rate) => ({ id: expect.stringMatching(/^txr_/), ...rate })));
    expect((await mine.get(RATES)).data).toEqual(data);
    await expectPages(mine, RATES);
    const { version } = await mine.get(RATES);
    expect(await put([])).toEqual({ data: [], version: version + 1 });
    expect((await mine.get(RATES)).data).toEqual([]);
  });

  test("hold in the next cart", async () => {
    const { variantId } = await newProduct(mine, { amount: 10_700 });
    const [rest] = (await mine.get("/v1/admin/products")).data;
    await mine.patch(`/v1/admin/products/${rest.id}`, { taxClassId: reduced });
    const taxAt = async (rate: number) => {
      await put([newRate(reduced, rate), newRate(standard, 0)]);
      return (await (await (await Cart.open(mine.shop)).add(variantId)).prepare()).state.totals.tax.amount;
    };
    expect([await taxAt(700), await taxAt(0)]).toEqual([700, 0]);
  });

  test("are exact to a hundredth of a basis point, from the list to the order", async () => {
    const { variantId } = await newProduct(mine, {
      stock: 100,
      variants: [{ sku: unique("SKU-"), prices: [{ currency: "EUR", amount: 10_000_000, taxInclusive: false }] }],
    });
    for (const rate of [842.5, 997.5, 887.5, 881.25, 0.01, 9_999.99]) {
      await put([newRate(standard, rate)]);
      const cart = await (await (await Cart.open(mine.shop)).add(variantId)).prepare();
      const { order } = (await cart.complete()).body;
      const seen = [cart.state.lines[0], order.lines[0], (await mine.get(`/v1/admin/orders/${order.id}`)).lines[0]];
      for (const line of seen) expect([line.taxRate, line.tax.amount]).toEqual([rate, Math.round(rate * 1_000)]);
      expect([order.shipping.taxRate, cart.state.shippingOption.taxRate]).toEqual([rate, rate]);
    }
  });

  test("of a province apply there instead of the country's, and what is not known is said", async () => {
    const us = await newTenant({ country: "US", currency: "USD" });
    const { data, unset, version } = await us.get(RATES);
    const [usual, other, exempt] = (await us.get(CLASSES)).data.map(({ id }: Body) => id);
    expect(data).toMatchObject([{ taxClassId: exempt, rate: 0 }]);
    expect(unset).toEqual([usual, other].map((taxClassId) => ({ taxClassId, country: "US" })));
    const ny = { ...newRate(usual, 887.5, "US"), province: "US-NY" };
    const rates = [newRate(usual, 0, "US"), ny, newRate(other, 0, "US")];
    expect((await us.put(RATES, { rates }, ifMatch(version))).data).toMatchObject(rates);
    expect((await us.get(RATES)).unset).toEqual([{ taxClassId: exempt, country: "US" }]);
    const { variantId } = await newProduct(us, {
      variants: [{ sku: unique("SKU-"), prices: [{ currency: "USD", amount: 100_000, taxInclusive: false }] }],
    });
    const cart = await (await Cart.open(us.shop)).add(variantId);
    const taxIn = async (state: string) => {
      const shippingAddress = { ...address, country: "US", city: "Town", postalCode: "10001", state };
      return (await cart.change({ shippingAddress })).state.lines[0].tax.amount;
    };
    expect([await taxIn("New York"), await taxIn("TX"), await taxIn("ny")]).toEqual([8_875, 0, 8_875]);
    for (const province of ["DE-BE", "US-XX", "NY"])
      expect(await us.faults("PUT", RATES, { body: { rates: [{ ...ny, province }] } })).toBe(
        "422 invalid_request /rates/0/province",
      );
  });

  test("are overwritten by nobody who has read older ones", async () => {
    const [one, other] = await Promise.all([mine.call("GET", RATES), mine.call("GET", RATES)]);
    const etag = { "if-match": one.headers.get("etag") ?? "" };
    expect(other.headers.get("etag")).toBe(etag["if-match"]);
    const write = (country: string) =>
      mine.outcome("PUT", RATES, {
        body: { rates: [newRate(standard, 1_900), newRate(standard, 1, country)] },
        headers: etag,
      });
    expect(await Promise.all([write("FR"), write("AT")]).then((answers) => answers.toSorted())).toEqual([
      "200",
      "412 version_stale",
    ]);
    expect((await mine.get(RATES)).data).toHaveLength(2);
  });

  test.each([
    ["a class of nobody", () => [newRate(standard, 1), newRate(newTypeId("txc"), 1)], "/rates/1/taxClassId"],
    ["one class and country twice", () => [newRate(standard, 1), newRate(standard, 2)], "/rates/1/country"],
    ["more than all", () => [newRate(standard, 10_001)], "/rates/0/rate"],
    ["less than nothing", () => [newRate(standard, -1)], "/rates/0/rate"],
    ["less than a hundredth of a basis point", () => [newRate(standard, 842.555)], "/rates/0/rate"],
    ["a country that is none", () => [newRate(standard, 1, "de")], "/rates/0/country"],
    ["no name", () => [{ ...newRate(standard, 1), name: " " }], "/rates/0/name"],
  ])("are not of %s", async (_, rates, pointer) => {
    expect(await refused(rates())).toBe(`422 invalid_request ${pointer}`);
  });

  test("are their tenant's alone: nobody uses another's class, or changes another's rates", async () => {
    const before = (await theirs.get(RATES)).data;
    const [foreign] = (await theirs.get(CLASSES)).data;
    expect(await refused([newRate(foreign.id, 1)])).toBe("422 invalid_request /rates/0/taxClassId");
    await put([newRate(standard, 1)]);
    expect((await theirs.get(RATES)).data).toEqual(before);
  });

  test("are read by the staff and changed by administrators", async () => {
    const member = await newMember(mine, "MEMBER");
    expect([await member.outcome("GET", RATES), await member.outcome("GET", CLASSES)]).toEqual(["200", "200"]);
    expect(await member.outcome("PUT", RATES, { body: { rates: [] } })).toBe("403 forbidden");
    expect(await mine.shop.outcome("GET", RATES)).toBe("403 forbidden");
  });
});

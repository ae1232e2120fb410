import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, Cart, newMember, newProduct, newTenants, type Tenant } from "../support/client.js";
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

const newRate = (taxClassId: string, rate: number, country = "DE") => ({ taxClassId, country, name: "VAT", rate });
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
    expect(await put([])).toEqual({ data: [] });
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

  test.each([
    ["a class of nobody", () => [newRate(standard, 1), newRate(newTypeId("txc"), 1)], "/rates/1/taxClassId"],
    ["one class and country twice", () => [newRate(standard, 1), newRate(standard, 2)], "/rates/1/country"],
    ["more than all", () => [newRate(standard, 10_001)], "/rates/0/rate"],
    ["less than nothing", () => [newRate(standard, -1)], "/rates/0/rate"],
    ["parts of a basis point", () => [newRate(standard, 0.5)], "/rates/0/rate"],
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

import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { Cart, newMember, newTenants, type Tenant } from "../support/client.js";
import { expectPages, walk } from "../support/list.js";

const PATH = "/v1/admin/shipping-options";
let mine: Tenant;
let theirs: Tenant;
let regionId: string;
let taxClassId: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  [{ regionId, taxClassId }] = (await mine.get(PATH)).data;
});

const newOption = (more: object = {}) => {
  return { regionId, taxClassId, name: "Express", price: { amount: 1_500, currency: "EUR" }, ...more };
};
const refused = (more: object) => mine.faults("POST", PATH, { body: newOption(more) });

describe("a shipping option", () => {
  test("is created at a flat rate", async () => {
    const body = newOption({ taxInclusive: false, position: 3 });
    const made = await mine.post(PATH, body);
    expect(made).toEqual({ ...body, id: expect.stringMatching(/^shp_/), version: 1, createdAt: expect.any(String) });
    expect((await mine.get(PATH)).data).toContainEqual(made);
    expect(await mine.post(PATH, newOption())).toMatchObject({ taxInclusive: true, position: 0 });
  });

  test("is offered to carts of its region and currency, in the shop's order", async () => {
    const last = await mine.post(PATH, newOption({ name: "Last", position: 9 }));
    const foreign = await mine.post(PATH, newOption({ name: "CHF", price: { amount: 1, currency: "CHF" } }));
    const cart = await Cart.open(mine.shop);
    const { data } = await cart.shop.get(`${cart.path}/shipping-options`);
    const ids = data.map(({ id }: { id: string }) => id);
    expect(ids.at(-1)).toBe(last.id);
    expect(ids).not.toContain(foreign.id);
    expect(data.at(-1)).toEqual({ id: last.id, name: "Last", price: last.price, taxInclusive: true });
  });

  test.each([
    ["a region of nobody", () => ({ regionId: newTypeId("rgn") }), "/regionId"],
    ["a tax class of nobody", () => ({ taxClassId: newTypeId("txc") }), "/taxClassId"],
    ["no name", () => ({ name: " " }), "/name"],
    ["an amount below zero", () => ({ price: { amount: -1, currency: "EUR" } }), "/price/amount"],
    ["a currency that is none", () => ({ price: { amount: 1, currency: "EURO" } }), "/price/currency"],
    ["a position before the first", () => ({ position: -1 }), "/position"],
    ["more than we know", () => ({ carrier: "post" }), "/carrier"],
  ])("has not %s", async (_, more, pointer) => {
    expect(await refused(more())).toBe(`422 invalid_request ${pointer}`);
  });
});

test("shipping options are listed by region, in pages", async () => {
  await mine.post(PATH, newOption());
  await expectPages(mine, PATH, `regionId=${regionId}`);
  expect(await walk(mine, `${PATH}?regionId=${regionId}`, 2)).toEqual(await walk(mine, PATH, 100));
  expect(await walk(mine, `${PATH}?regionId=${newTypeId("rgn")}`)).toEqual([]);
});

test("shipping options are their tenant's alone, and changed by administrators", async () => {
  const [foreign] = (await theirs.get(PATH)).data;
  expect((await mine.get(PATH)).data).not.toContainEqual(foreign);
  expect(await refused({ regionId: foreign.regionId })).toBe("422 invalid_request /regionId");
  expect(await refused({ taxClassId: foreign.taxClassId })).toBe("422 invalid_request /taxClassId");
  const member = await newMember(mine, "MEMBER");
  expect(await member.outcome("GET", PATH)).toBe("200");
  expect(await member.outcome("POST", PATH, { body: newOption() })).toBe("403 forbidden");
});

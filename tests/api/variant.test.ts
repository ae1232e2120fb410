import { beforeAll, describe, expect, test } from "vitest";
import { type Body, Cart, ifMatch, newProduct, newTenants, type Tenant, unique } from "../support/client.js";
import { eventsOf } from "../support/list.js";
import { outcome } from "../support/outcome.js";

const size = { name: "Size", values: ["S", "M", "L", "XL"] };
let mine: Tenant;
let theirs: Tenant;
let product: Body;
let small: Body;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  const variants = [{ sku: unique("S-"), options: { Size: "S" } }];
  product = await mine.post("/v1/admin/products", { name: "Shirt", options: [size], variants });
  [small] = product.variants;
});

const pathOf = (id: string) => `/v1/admin/variants/${id}`;
const variantsOf = (id: string) => `/v1/admin/products/${id}/variants`;
const single = async () => (await mine.get(`/v1/admin/products/${(await newProduct(mine)).productId}`)).variants[0];
const newVariant = (value: string, more: object = {}) => ({ sku: unique("V-"), options: { Size: value }, ...more });

describe("a variant is added", () => {
  test("after the others, with its prices", async () => {
    const prices = [{ amount: 900, currency: "EUR", compareAt: null, taxInclusive: true }];
    const variant = await mine.post(variantsOf(product.id), newVariant("M", { prices }));
    expect(variant).toMatchObject({ productId: product.id, name: "M", position: 1, prices, available: 0, version: 1 });
    expect((await mine.get(`/v1/admin/products/${product.id}`)).variants).toEqual([small, variant]);
    expect(await eventsOf(mine, "variant.created")).toContainEqual({ variantId: variant.id, productId: product.id });
  });

  test("not with options or an SKU that another one has", async () => {
    const refused = (body: object) => mine.faults("POST", variantsOf(product.id), { body });
    expect(await refused(newVariant("S"))).toBe("409 variant.options_taken /options");
    expect(await refused(newVariant("L", { sku: small.sku }))).toBe("409 variant.sku_taken /sku");
    const theirProduct = await newProduct(theirs);
    expect(await refused(newVariant("L", { sku: theirProduct.sku }))).toBe("201");
  });

  test.each([
    ["an unknown value", { Size: "XXL" }, "/options/Size"],
    ["an unknown option", { Size: "L", Color: "red" }, "/options/Color"],
    ["no value", {}, "/options/Size"],
  ])("not with %s", async (_, options, pointer) => {
    const body = { sku: unique(), options };
    expect(await mine.faults("POST", variantsOf(product.id), { body })).toBe(`422 variant.options_invalid ${pointer}`);
  });

  test("not without an SKU, or with one that is no printable ASCII", async () => {
    for (const sku of [undefined, "", "é", "x".repeat(101)]) {
      const body = { ...newVariant("L"), sku };
      expect(await mine.faults("POST", variantsOf(product.id), { body })).toBe("422 invalid_request /sku");
    }
  });

  test("not to a product that has a hundred", async () => {
    const values = Array.from({ length: 100 }, (_, index) => String(index));
    const options = [
      { name: "Number", values },
      { name: "Kind", values: ["a", "b"] },
    ];
    const variants = values.map((value) => ({ sku: unique("N-"), options: { Number: value, Kind: "a" } }));
    const full = await mine.post("/v1/admin/products", { name: "Full", options, variants });
    const body = { sku: unique("N-"), options: { Number: "0", Kind: "b" } };
    expect(await mine.outcome("POST", variantsOf(full.id), { body })).toBe("409 product.full");
    const over = { name: "Fuller", options, variants: [...variants, body] };
    expect(await mine.faults("POST", "/v1/admin/products", { body: over })).toBe("422 invalid_request /variants");
  });

  test("not to another tenant's product", async () => {
    const body = newVariant("L");
    expect(await theirs.outcome("POST", variantsOf(product.id), { body })).toBe("404 product.not_found");
  });
});

describe("a variant is changed", () => {
  test("field by field, and its version counts up", async () => {
    const before = await single();
    const patch = { sku: unique("NEW-"), name: "New", position: 7 };
    const after = await mine.patch(pathOf(before.id), patch);
    expect(after).toEqual({ ...before, ...patch, version: 2 });
    const { productId } = before;
    expect(await eventsOf(mine, "variant.updated")).toContainEqual({ variantId: before.id, productId });
  });

  test("by those only who saw its version, when they say which", async () => {
    const { id } = await single();
    expect((await mine.patch(pathOf(id), { name: "1" }, ifMatch(1))).version).toBe(2);
    const late = await mine.call("PATCH", pathOf(id), { body: { name: "2" }, headers: ifMatch(1) });
    expect([outcome(late), late.body.currentVersion]).toEqual(["412 version_stale", 2]);
    expect(await mine.outcome("DELETE", pathOf(id), { headers: ifMatch(1) })).toBe("412 version_stale");
  });

  test("not to options or an SKU that it cannot have", async () => {
    const large = await mine.post(variantsOf(product.id), newVariant("XL"));
    const refused = (body: object) => mine.faults("PATCH", pathOf(large.id), { body });
    expect(await refused({ options: { Size: "S" } })).toBe("409 variant.options_taken /options");
    expect(await refused({ options: { Size: "XXL" } })).toBe("422 variant.options_invalid /options/Size");
    expect(await refused({ sku: small.sku })).toBe("409 variant.sku_taken /sku");
    expect(await refused({ productId: product.id })).toBe("422 invalid_request /productId");
  });
});

describe("a variant is deleted", () => {
  test("once, and leaves its product", async () => {
    const { id, productId } = await single();
    expect((await mine.call("DELETE", pathOf(id))).status).toBe(204);
    expect(await mine.outcome("DELETE", pathOf(id))).toBe("404 variant.not_found");
    expect((await mine.get(`/v1/admin/products/${productId}`)).variants).toEqual([]);
    expect(await eventsOf(mine, "variant.deleted")).toContainEqual({ variantId: id, productId });
  });

  test("not once it is in a cart or has moved stock", async () => {
    const [carted, counted] = [await newProduct(mine), await newProduct(mine, { stock: 1 })];
    await Cart.open(mine.shop, { lines: [{ variantId: carted.variantId, quantity: 1 }] });
    for (const { variantId } of [carted, counted])
      expect(await mine.outcome("DELETE", pathOf(variantId))).toBe("409 variant.in_use");
  });
});

test("variants are their tenant's alone, and for the staff", async () => {
  for (const [method, body] of [["PATCH", {}], ["DELETE"]] as const) {
    expect(await theirs.outcome(method, pathOf(small.id), { body })).toBe("404 variant.not_found");
    expect(await mine.shop.outcome(method, pathOf(small.id), { body })).toBe("403 forbidden");
  }
});

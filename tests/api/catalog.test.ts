import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, Cart, ifMatch, newMember, newProduct, newTenants, type Tenant, unique } from "../support/client.js";
import { eventsOf, expectPages, walk } from "../support/list.js";
import { outcome } from "../support/outcome.js";

const PATH = "/v1/admin/products";
const size = { name: "Size", values: ["S", "M"] };
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const create = (body: object = {}) => mine.post(PATH, { name: unique("Mug "), ...body });

describe("a product is created", () => {
  test("from a name alone, as a draft that shoppers do not see", async () => {
    const product = await mine.post(PATH, { name: " Émail Mug №1 " });
    expect(product).toMatchObject({
      slug: "email-mug-no1",
      name: "Émail Mug №1",
      description: "",
      status: "draft",
      taxClassId: null,
      options: [],
      variants: [],
      version: 1,
    });
    expect(await mine.get(`${PATH}/${product.id}`)).toEqual(product);
    expect(await eventsOf(mine, "product.created")).toContainEqual({ productId: product.id });
    expect(await mine.shop.outcome("GET", `/v1/store/products/${product.id}`)).toBe("404 product.not_found");
  });

  test("with options, variants and prices in one request", async () => {
    const [{ id: taxClassId }] = (await mine.get("/v1/admin/tax-classes")).data;
    const price = { amount: 1_900, currency: "EUR", compareAt: 2_500, taxInclusive: false };
    const product = await create({
      status: "active",
      taxClassId,
      options: [size, { name: "Color", values: ["red"] }],
      variants: [
        { sku: unique("S-"), options: { Color: "red", Size: "S" }, prices: [price] },
        { sku: unique("M-"), name: "The large one", options: { Size: "M", Color: "red" } },
      ],
    });
    expect(product.variants).toMatchObject([
      { name: "S / red", options: { Size: "S", Color: "red" }, position: 0, prices: [price], available: 0, version: 1 },
      { name: "The large one", position: 1, prices: [] },
    ]);
    expect(await mine.get(`${PATH}/${product.id}`)).toEqual(product);
  });

  test("with a free slug when the name is taken, and refused when the slug itself is", async () => {
    const name = unique("Twin ");
    const slugs = [];
    for (let made = 0; made < 3; made += 1) slugs.push((await mine.post(PATH, { name })).slug);
    expect(slugs).toEqual([slugs[0], `${slugs[0]}-2`, `${slugs[0]}-3`]);
    const again = { body: { name: "Other", slug: slugs[0] } };
    expect(await mine.faults("POST", PATH, again)).toBe("409 product.slug_taken /slug");
    expect(await theirs.outcome("POST", PATH, again)).toBe("201");
  });

  test("not with an SKU that another product has", async () => {
    const { sku } = await newProduct(mine);
    const body = { name: "Copy", variants: [{ sku: unique() }, { sku }] };
    // Both have no options, so the second one is a repeat of the first.
    expect(await mine.faults("POST", PATH, { body })).toBe("422 invalid_request /variants/1/options");
    const sized = body.variants.map((variant, index) => ({ ...variant, options: { Size: size.values[index] } }));
    const taken = { ...body, options: [size], variants: sized };
    expect(await mine.faults("POST", PATH, { body: taken })).toBe("409 variant.sku_taken /variants/1/sku");
  });

  test.each([
    ["without a name", {}, "/name"],
    ["with a blank name", { name: "  " }, "/name"],
    ["with an unknown status", { name: "x", status: "sold" }, "/status"],
    ["with a field that no product has", { name: "x", price: 1 }, "/price"],
    ["with a slug that is no slug", { name: "x", slug: "A B" }, "/slug"],
    ["with an option twice", { name: "x", options: [size, size] }, "/options/1/name"],
    ["with a value twice", { name: "x", options: [{ name: "Size", values: ["S", "S"] }] }, "/options/0/values/1"],
    [
      "with a variant of an unknown value",
      { name: "x", options: [size], variants: [{ sku: "a", options: { Size: "XL" } }] },
      "/variants/0/options/Size",
    ],
    ["with a tax class of nobody", { name: "x", taxClassId: newTypeId("txc") }, "/taxClassId"],
  ])("not %s", async (_, body, pointer) => {
    expect(await mine.faults("POST", PATH, { body })).toBe(`422 invalid_request ${pointer}`);
  });
});

describe("a product is changed", () => {
  test("field by field, and its version counts up", async () => {
    const { id, variants: _, ...before } = await create({ variants: [{ sku: unique() }] });
    const patch = { name: "New name", slug: unique("new-"), description: "Text", status: "active" };
    const after = await mine.patch(`${PATH}/${id}`, patch);
    expect(after).toMatchObject({ ...before, ...patch, version: 2, updatedAt: expect.any(String) });
    expect(await mine.get(`${PATH}/${id}`)).toEqual(after);
    expect(await eventsOf(mine, "product.updated")).toContainEqual({ productId: id });
  });

  test("by those only who saw its version, when they say which", async () => {
    const { id } = await create();
    const path = `${PATH}/${id}`;
    const first = await mine.call("PATCH", path, { body: { description: "1" }, headers: ifMatch(1) });
    expect([first.status, first.headers.get("etag")?.split(".")[0]]).toEqual([200, '"2']);
    const second = await mine.call("PATCH", path, { body: { description: "2" }, headers: ifMatch(1) });
    expect([outcome(second), second.body.currentVersion]).toEqual(["412 version_stale", 2]);
    expect(await mine.outcome("DELETE", path, { headers: ifMatch(1) })).toBe("412 version_stale");
    expect((await mine.get(path)).description).toBe("1");
  });

  test("not to a slug or a tax class that it cannot have", async () => {
    const [one, other] = [await create(), await create()];
    const refused = (body: object) => mine.faults("PATCH", `${PATH}/${one.id}`, { body });
    expect(await refused({ slug: other.slug })).toBe("409 product.slug_taken /slug");
    expect(await refused({ taxClassId: newTypeId("txc") })).toBe("422 invalid_request /taxClassId");
    expect((await mine.get(`${PATH}/${one.id}`)).version).toBe(1);
  });

  test("in its options as long as they fit its variants", async () => {
    const variants = [{ sku: unique("S-"), options: { Size: "S" } }];
    const { id } = await create({ options: [size], variants });
    const wider = [{ name: "Size", values: ["S", "M", "L"] }];
    expect((await mine.patch(`${PATH}/${id}`, { options: wider })).options).toEqual(wider);
    const body = { options: [{ name: "Size", values: ["M"] }] };
    const answer = await mine.call("PATCH", `${PATH}/${id}`, { body });
    expect(outcome(answer)).toBe("409 product.options_in_use");
    expect(answer.body.errors).toEqual([
      { pointer: "/options", detail: expect.stringContaining(variants[0]?.sku ?? "") },
    ]);
  });

  test("from draft over active to archived and back", async () => {
    const { productId: id } = await newProduct(mine, { status: "draft" });
    const seen = async () => mine.shop.outcome("GET", `/v1/store/products/${id}`);
    expect(await seen()).toBe("404 product.not_found");
    for (const [status, shown] of [
      ["active", "200"],
      ["archived", "404 product.not_found"],
      ["active", "200"],
      ["draft", "404 product.not_found"],
    ]) {
      expect((await mine.patch(`${PATH}/${id}`, { status })).status).toBe(status);
      expect(await seen()).toBe(shown);
    }
  });
});

describe("a product is deleted", () => {
  test("with its variants, once", async () => {
    const { productId, variantId } = await newProduct(mine);
    expect((await mine.call("DELETE", `${PATH}/${productId}`)).status).toBe(204);
    expect(await mine.outcome("GET", `${PATH}/${productId}`)).toBe("404 product.not_found");
    expect(await mine.outcome("DELETE", `${PATH}/${productId}`)).toBe("404 product.not_found");
    expect(await mine.outcome("GET", `/v1/admin/variants/${variantId}/prices`)).toBe("404 variant.not_found");
    expect(await eventsOf(mine, "product.deleted")).toContainEqual({ productId });
  });

  test("not once it is in a cart or has moved stock", async () => {
    const [carted, counted] = [await newProduct(mine), await newProduct(mine, { stock: 1 })];
    await Cart.open(mine.shop, { lines: [{ variantId: carted.variantId, quantity: 1 }] });
    for (const { productId } of [carted, counted]) {
      expect(await mine.outcome("DELETE", `${PATH}/${productId}`)).toBe("409 product.in_use");
      expect(await mine.get(`${PATH}/${productId}`)).toMatchObject({ status: "active", version: 1 });
    }
  });
});

test("products are listed, the newest first, by status, with their variants on demand", async () => {
  const shop = theirs;
  const draft = await shop.post(PATH, { name: "Draft" });
  const active = await shop.post(PATH, { name: "Active", status: "active", variants: [{ sku: unique() }] });
  await expectPages(shop, PATH, "status=draft");
  expect((await walk(shop, PATH)).slice(0, 2)).toMatchObject([{ id: active.id }, { id: draft.id }]);
  expect((await walk(shop, `${PATH}?status=active`)).map(({ id }: Body) => id)).toEqual([active.id]);
  const [plain] = (await shop.get(PATH)).data;
  const [expanded] = (await shop.get(`${PATH}?expand=variants`)).data;
  expect(plain.variants).toBeUndefined();
  expect(expanded.variants).toEqual(active.variants);
});

test("products are their tenant's alone, and for the staff", async () => {
  const { id } = await create();
  for (const [method, body] of [["GET"], ["PATCH", {}], ["DELETE"]] as const) {
    expect(await theirs.outcome(method, `${PATH}/${id}`, { body })).toBe("404 product.not_found");
    expect(await mine.shop.outcome(method, `${PATH}/${id}`, { body })).toBe("403 forbidden");
  }
  const member = await newMember(mine, "MEMBER");
  expect(await member.outcome("PATCH", `${PATH}/${id}`, { body: { name: "By a member" } })).toBe("200");
});

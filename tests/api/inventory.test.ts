import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, Cart, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { eventsOf, expectPages, walk } from "../support/list.js";
import { faults, outcome } from "../support/outcome.js";

const LEVELS = "/v1/admin/inventory";
const MOVEMENTS = `${LEVELS}/movements`;
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;
let main: string;
let store: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  [{ id: main }] = (await mine.get("/v1/admin/locations")).data;
  store = newTypeId("loc");
  await admin.query("insert into location (tenant_id, id, name, country) values ($1, $2, 'Store', 'DE')", [
    typeIdToUuid("ten", mine.id),
    typeIdToUuid("loc", store),
  ]);
});

const adjust = (adjustments: object[], more: object = {}, tenant = mine) =>
  tenant.call("POST", `${LEVELS}/adjustments`, {
    body: { adjustments, reason: "correction", ...more },
    headers: { "idempotency-key": randomUUID() },
  });
const levelsOf = async (variantId: string): Promise<Body[]> =>
  (await mine.get(`${LEVELS}?variantId=${variantId}`)).data;
const movementsOf = async (variantId: string): Promise<Body[]> =>
  (await mine.get(`${MOVEMENTS}?variantId=${variantId}`)).data;

describe("stock is adjusted", () => {
  test("by a number or to a number, at a location, each with a movement", async () => {
    const { variantId, sku } = await newProduct(mine);
    const about = { reason: "received", reference: "delivery 7" };
    const { status, body } = await adjust(
      [
        { variantId, delta: 5 },
        { variantId, delta: -2 },
      ],
      about,
    );
    const level = { variantId, sku, locationId: main, onHand: 3, reserved: 0, available: 3 };
    expect([status, body]).toEqual([200, { data: [{ ...level, updatedAt: expect.any(String) }] }]);
    await adjust([
      { variantId, set: 10 },
      { variantId, locationId: store, set: 4 },
    ]);
    expect(await levelsOf(variantId)).toMatchObject([
      { ...level, onHand: 10, available: 10 },
      { ...level, locationId: store, onHand: 4, available: 4 },
    ]);
    const moved = (await movementsOf(variantId)).map(({ delta, reason, reference }) => [delta, reason, reference]);
    expect(moved.toSorted()).toEqual(
      [
        [5, "received", "delivery 7"],
        [-2, "received", "delivery 7"],
        [7, "correction", null],
        [4, "correction", null],
      ].toSorted(),
    );
    expect((await movementsOf(variantId))[0]?.actor).toMatchObject({ type: "key" });
    expect(await eventsOf(mine, "stock.adjusted")).toContainEqual({ variantIds: [variantId] });
  });

  test("to what there is already without a movement", async () => {
    const { variantId } = await newProduct(mine, { stock: 3 });
    expect((await adjust([{ variantId, set: 3 }])).status).toBe(200);
    expect(await movementsOf(variantId)).toHaveLength(1);
  });

  test("if there is as much as expected, and is told how much there is", async () => {
    const { variantId } = await newProduct(mine, { stock: 3 });
    expect((await adjust([{ variantId, set: 5, expected: 3 }])).status).toBe(200);
    const late = await adjust([{ variantId, set: 6, expected: 3 }]);
    expect([faults(late), late.body.onHand]).toEqual(["409 stock.changed /adjustments/0/expected", 5]);
    expect(await levelsOf(variantId)).toMatchObject([{ onHand: 5 }]);
  });

  test("not below what carts hold, all or nothing", async () => {
    const [held, free] = [await newProduct(mine, { stock: 3 }), await newProduct(mine)];
    await admin.query("update stock_level set reserved = 2 where tenant_id = $1 and variant_id = $2", [
      typeIdToUuid("ten", mine.id),
      typeIdToUuid("var", held.variantId),
    ]);
    const answer = await adjust([
      { variantId: free.variantId, delta: 1 },
      { variantId: held.variantId, delta: -2 },
    ]);
    expect(faults(answer)).toBe("409 stock.insufficient /adjustments/1");
    expect(answer.body.items).toEqual([{ variantId: held.variantId, requested: 2, available: 1 }]);
    expect(await movementsOf(free.variantId)).toEqual([]);
    expect(outcome(await adjust([{ variantId: held.variantId, delta: -1 }]))).toBe("200");
    expect(await levelsOf(held.variantId)).toMatchObject([{ onHand: 2, reserved: 2, available: 0 }]);
  });

  test("not beyond what a level can count", async () => {
    const { variantId } = await newProduct(mine);
    expect(outcome(await adjust([{ variantId, set: 1_000_000_000 }]))).toBe("200");
    expect(outcome(await adjust([{ variantId, delta: 1 }]))).toBe("409 stock.too_much");
  });

  test("not where it is not known what, where or how much", async () => {
    const { variantId } = await newProduct(mine);
    const { variantId: foreign } = await newProduct(theirs);
    const [elsewhere] = (await theirs.get("/v1/admin/locations")).data;
    for (const [adjustment, field] of [
      [{ variantId: newTypeId("var"), delta: 1 }, "variantId"],
      [{ variantId: foreign, delta: 1 }, "variantId"],
      [{ variantId, delta: 1, locationId: elsewhere.id }, "locationId"],
      [{ variantId, delta: 0 }, "delta"],
      [{ variantId, set: -1 }, "set"],
      [{ variantId, delta: 1_000_001 }, "delta"],
    ] as const)
      expect(faults(await adjust([adjustment]))).toBe(`422 invalid_request /adjustments/0/${field}`);
    for (const adjustment of [{ variantId }, { variantId, delta: 1, set: 1 }])
      expect(faults(await adjust([adjustment]))).toBe("422 invalid_request /adjustments/0");
    expect(faults(await adjust([]))).toBe("422 invalid_request /adjustments");
    expect(faults(await adjust([{ variantId, delta: 1 }], { reason: "sold" }))).toBe("422 invalid_request /reason");
  });
});

test("a sale is a movement that names its order", async () => {
  const { variantId } = await newProduct(mine, { stock: 2 });
  const cart = await (await (await Cart.open(mine.shop)).add(variantId, 2)).prepare();
  const { order } = (await cart.complete()).body;
  const [sold] = await movementsOf(variantId);
  expect(sold).toMatchObject({ delta: -2, reason: "sold", reference: order.id, locationId: main });
  expect(await levelsOf(variantId)).toMatchObject([{ onHand: 0, available: 0 }]);
});

test("levels and movements are listed by variant and location, in pages", async () => {
  const { variantId } = await newProduct(mine);
  await adjust([
    { variantId, set: 1 },
    { variantId, locationId: store, set: 2 },
  ]);
  await expectPages(mine, LEVELS, `variantId=${variantId}`);
  await expectPages(mine, MOVEMENTS, `variantId=${variantId}`);
  for (const path of [LEVELS, MOVEMENTS]) {
    expect(await walk(mine, `${path}?variantId=${variantId}`)).toHaveLength(2);
    expect(await walk(mine, `${path}?variantId=${variantId}&locationId=${store}`)).toMatchObject([
      { locationId: store },
    ]);
  }
});

test("stock is its tenant's alone, and for the staff", async () => {
  const { variantId } = await newProduct(mine, { stock: 1 });
  for (const path of [LEVELS, MOVEMENTS]) {
    expect((await theirs.get(`${path}?variantId=${variantId}`)).data).toEqual([]);
    expect(await mine.shop.outcome("GET", path)).toBe("403 forbidden");
  }
  const body = { adjustments: [{ variantId, delta: 1 }], reason: "received" };
  const headers = { "idempotency-key": randomUUID() };
  expect(await mine.shop.outcome("POST", `${LEVELS}/adjustments`, { body, headers })).toBe("403 forbidden");
  expect(await mine.outcome("POST", `${LEVELS}/adjustments`, { body })).toBe("400 idempotency_key_required");
});

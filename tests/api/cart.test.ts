import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { address, type Body, Cart, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { faults, outcome, tally } from "../support/outcome.js";

const admin = administrator();
let mine: Tenant;
let theirs: Tenant;
let mug: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  ({ variantId: mug } = await newProduct(mine, { stock: 5, amount: 1_190 }));
});

const open = (body: object) => mine.shop.call("POST", "/v1/store/carts", { body });
const send = (
  cart: Cart,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = cart.ifMatch,
) => cart.shop.call(method, cart.path + path, { body, headers });
const withMug = (quantity = 1) => Cart.open(mine.shop, { lines: [{ variantId: mug, quantity }] });
const levelOf = async (variantId: string): Promise<Body> =>
  (await mine.get(`/v1/admin/inventory?variantId=${variantId}`)).data[0];

/** Every change of a cart, by method and path. */
const changes = (cart: Cart, line = newTypeId("lin")): [method: string, path: string, body?: unknown][] => [
  ["PATCH", "", { email: "ada@example.com" }],
  ["POST", "/lines", { variantId: mug, quantity: 1 }],
  ["PATCH", `/lines/${cart.state.lines[0]?.id ?? line}`, { quantity: 1 }],
  ["DELETE", `/lines/${cart.state.lines[0]?.id ?? line}`],
  ["POST", "/hold"],
  ["DELETE", "/hold"],
];

describe("a cart", () => {
  test("opens empty, with the defaults of the shop, for thirty days", async () => {
    const cart = await Cart.open(mine.shop);
    const { token, ...shown } = cart.state;
    expect(shown).toMatchObject({
      status: "open",
      version: 1,
      currency: "EUR",
      email: null,
      lines: [],
      heldUntil: null,
    });
    expect(shown.requirements).toEqual([
      "lines_missing",
      "email_missing",
      "shipping_address_missing",
      "shipping_option_missing",
    ]);
    expect(Date.parse(shown.expiresAt) - Date.parse(shown.createdAt)).toBe(30 * 86_400_000);
    expect(token.length).toBeGreaterThan(30);
    expect(await cart.shop.get(cart.path)).toEqual(shown);
  });

  test("opens with a region, a channel, a currency, an e-mail and lines of the shop", async () => {
    const [region] = (await mine.get("/v1/admin/regions")).data;
    const [channel] = (await mine.get("/v1/admin/channels")).data;
    const lines = [
      { variantId: mug, quantity: 1 },
      { variantId: mug, quantity: 2 },
    ];
    const given = { regionId: region.id, channel: channel.slug, currency: "EUR", email: "ada@example.com", lines };
    const { state } = await Cart.open(mine.shop, given);
    expect(state).toMatchObject({ regionId: region.id, channelId: channel.id, email: "ada@example.com" });
    expect(state.lines.map(({ variantId, quantity }: Body) => [variantId, quantity])).toEqual([[mug, 3]]);
  });

  test("cannot open with what is not of this shop", async () => {
    const [foreign] = (await theirs.get("/v1/admin/regions")).data;
    const answers = [
      await open({ regionId: foreign.id }),
      await open({ regionId: newTypeId("rgn") }),
      await open({ channel: "none" }),
      await open({ email: "nobody" }),
      await open({ currency: "EURO" }),
      await open({ discount: 100 }),
    ];
    expect(answers.map(faults)).toEqual([
      "422 invalid_request /regionId",
      "422 invalid_request /regionId",
      "422 invalid_request /channel",
      "422 invalid_request /email",
      "422 invalid_request /currency",
      "422 invalid_request /discount",
    ]);
  });

  test("takes e-mail, addresses and shipping option, and forgets them again", async () => {
    const cart = await (await withMug()).prepare();
    expect(cart.state).toMatchObject({ email: "ada@example.com", shippingAddress: address, requirements: [] });
    expect(cart.state.totals).toEqual({
      subtotal: { amount: 1_190, currency: "EUR" },
      shipping: { amount: 500, currency: "EUR" },
      tax: { amount: 270, currency: "EUR" }, // 190 in the goods and 80 in the delivery, both at 19 %
      total: { amount: 1_690, currency: "EUR" },
    });
    await cart.change({ billingAddress: { ...address, name: "Accounting" } });
    expect(cart.state.billingAddress.name).toBe("Accounting");
    await cart.change({ email: null, shippingAddress: null, billingAddress: null, shippingOptionId: null });
    expect(cart.state).toMatchObject({
      email: null,
      shippingAddress: null,
      billingAddress: null,
      shippingOption: null,
    });
  });

  test("drops its shipping option with its currency or region", async () => {
    const cart = await (await withMug()).prepare();
    await cart.change({ regionId: cart.state.regionId });
    expect(cart.state).toMatchObject({ currency: "EUR", shippingOption: null });
    await cart.prepare();
    await cart.change({ currency: "USD" });
    expect(cart.state).toMatchObject({ currency: "USD", shippingOption: null });
    expect(cart.state.lines[0]).toMatchObject({ available: false, unitPrice: null });
    expect(cart.state.requirements).toEqual(["variant_unavailable", "shipping_option_missing"]);
  });

  test("refuses a region and a shipping option that it cannot have", async () => {
    const cart = await withMug();
    const [foreign] = (await theirs.get("/v1/admin/regions")).data;
    const [option] = (await theirs.get("/v1/admin/shipping-options")).data;
    const [own] = (await mine.get("/v1/admin/shipping-options")).data;
    const answers = [
      await send(cart, "PATCH", "", { regionId: foreign.id }),
      await send(cart, "PATCH", "", { shippingOptionId: option.id }),
      await send(cart, "PATCH", "", { shippingOptionId: own.id, currency: "USD" }),
      await send(cart, "PATCH", "", { shippingAddress: { ...address, country: "Germany" } }),
    ];
    expect(answers.map(faults)).toEqual([
      "422 invalid_request /regionId",
      "422 invalid_request /shippingOptionId",
      "422 invalid_request /shippingOptionId",
      "422 invalid_request /shippingAddress/country",
    ]);
    expect((await cart.shop.get(cart.path)).version).toBe(1);
  });
});

describe("a hold", () => {
  test("keeps the stock of all lines for fifteen minutes, until it is released", async () => {
    const cart = await withMug(2);
    cart.state = (await send(cart, "POST", "/hold")).body;
    const minutes = (Date.parse(cart.state.heldUntil) - Date.now()) / 60_000;
    expect(Math.round(minutes)).toBe(15);
    expect(await levelOf(mug)).toMatchObject({ onHand: 5, reserved: 2, available: 3 });
    cart.state = (await send(cart, "DELETE", "/hold")).body;
    expect([cart.state.heldUntil, (await levelOf(mug)).reserved]).toEqual([null, 0]);
  });

  test("ends with a change of the lines, and not with a change of the address", async () => {
    const cart = await withMug(2);
    cart.state = (await send(cart, "POST", "/hold")).body;
    await cart.change({ shippingAddress: address });
    expect(cart.state.heldUntil).not.toBeNull();
    await cart.add(mug);
    expect([cart.state.heldUntil, (await levelOf(mug)).reserved]).toEqual([null, 0]);
  });

  test("holds all or nothing", async () => {
    const { variantId: rare } = await newProduct(mine, { stock: 1 });
    const lines = [
      { variantId: mug, quantity: 1 },
      { variantId: rare, quantity: 2 },
    ];
    const cart = await Cart.open(mine.shop, { lines });
    const refused = await send(cart, "POST", "/hold");
    expect([outcome(refused), refused.body.items]).toEqual([
      "409 stock.insufficient",
      [{ variantId: rare, requested: 2, available: 1 }],
    ]);
    expect([(await levelOf(mug)).reserved, (await cart.shop.get(cart.path)).heldUntil]).toEqual([0, null]);
  });

  test("of an empty cart holds nothing", async () => {
    const cart = await Cart.open(mine.shop);
    expect((await send(cart, "POST", "/hold")).body).toMatchObject({ version: 2, heldUntil: null });
  });
});

test("shipping options are those of the cart's region and currency", async () => {
  const cart = await withMug();
  const offered = async () => (await cart.shop.get(`${cart.path}/shipping-options`)).data;
  const own = (await mine.get("/v1/admin/shipping-options")).data;
  expect((await offered()).map(({ id }: Body) => id)).toEqual(own.map(({ id }: Body) => id));
  await cart.change({ currency: "USD" });
  expect(await offered()).toEqual([]);
});

describe("a version", () => {
  test("is required for each change, and must be the one that is there", async () => {
    const cart = await withMug();
    const sendAll = (headers: Record<string, string>) =>
      Promise.all(changes(cart).map(([method, path, body]) => send(cart, method, path, body, headers)));
    expect(tally(await sendAll({}))).toEqual({ "428 version_required": 6 });
    const stale = await sendAll({ "if-match": '"9"' });
    expect(tally(stale)).toEqual({ "412 version_stale": 6 });
    for (const { body } of stale) expect(body.currentVersion).toBe(1);
    expect((await cart.shop.get(cart.path)).version).toBe(1);
  });

  test("lets one of two changes at once through", async () => {
    const cart = await withMug();
    const answers = await Promise.all(
      [1, 2].map((quantity) => send(cart, "POST", "/lines", { variantId: mug, quantity })),
    );
    expect(tally(answers)).toEqual({ "200": 1, "412 version_stale": 1 });
  });
});

test("a cart that became an order does not change any more", async () => {
  const { variantId } = await newProduct(mine, { stock: 1 });
  const cart = await (await Cart.open(mine.shop, { lines: [{ variantId, quantity: 1 }] })).prepare();
  expect((await cart.complete()).status).toBe(200);
  const answers = await Promise.all(changes(cart).map(([method, path, body]) => send(cart, method, path, body)));
  expect(tally(answers)).toEqual({ "409 cart.completed": 6 });
  expect((await cart.shop.get(cart.path)).status).toBe("completed");
});

test("a cart opens with its token, in its shop, in its time; nothing else is said about it", async () => {
  const cart = await withMug();
  const reads = ["", "/shipping-options"].map((path): [string, string] => ["GET", path]);
  const all = [...reads, ...changes(cart)];
  const asked = (shop: Cart["shop"], path = cart.path) =>
    Promise.all(all.map(([method, end, body]) => shop.call(method, path + end, { body, headers: cart.ifMatch })));
  const other = await withMug();
  const unopened = [
    ...(await asked(mine.shop)),
    ...(await asked(mine.shop.with(other.shop.headers))),
    ...(await asked(theirs.shop.with(cart.shop.headers))),
    ...(await asked(cart.shop, `/v1/store/carts/${newTypeId("crt")}`)),
  ];
  await admin.query("update cart set expires_at = now() where id = $1", [typeIdToUuid("crt", cart.state.id)]);
  unopened.push(...(await asked(cart.shop)));
  expect(tally(unopened)).toEqual({ "404 cart.not_found": 5 * all.length });
});

import { createHash, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { modules } from "../../functions/modules/index.js";
import { type Body, Cart, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { outcome, tally } from "../support/outcome.js";
import { cartOf } from "../support/stripe.js";

const path = "/v1/admin/payment-methods";
const admin = administrator();

describe("what one stranger may hold and leave unpaid", () => {
  let shop: Tenant;
  beforeAll(async () => {
    shop = await newTenant();
    await shop.put(path, { methods: [{ provider: "manual" }], limits: {} });
  });
  const hold = (cart: Cart) =>
    cart.shop.call("POST", `${cart.path}/hold`, { headers: { "if-match": "*", "idempotency-key": randomUUID() } });
  const back = (cart: Cart, minutes: number) =>
    admin.query("update cart set held_since = held_since - make_interval(mins => $2) where id = $1", [
      typeIdToUuid("crt", cart.state.id),
      minutes,
    ]);
  const left = (body: Body) => Math.round((Date.parse(body.heldUntil) - Date.now()) / 60_000);

  test("a cart is reserved for half an hour in all, and anew after an hour", async () => {
    const { cart } = await cartOf(shop);
    expect(left((await hold(cart)).body)).toBe(15);
    await back(cart, 20);
    expect(left((await hold(cart)).body)).toBe(10);
    await back(cart, 10);
    expect(outcome(await hold(cart))).toBe("409 cart.hold_over");
    await back(cart, 31);
    expect(left((await hold(cart)).body)).toBe(15);
  });

  test("the last piece, but no more than half of a larger stock, with all of a client's carts", async () => {
    const [single, most] = [
      await cartOf(shop, { stock: 10, quantity: 10 }),
      await cartOf(shop, { stock: 100, quantity: 51 }),
    ];
    expect((await hold(single.cart)).status).toBe(200);
    const refused = await hold(most.cart);
    expect([outcome(refused), refused.body.items]).toEqual([
      "409 stock.insufficient",
      [{ variantId: most.variantId, requested: 51, available: 50 }],
    ]);
    const open = (quantity: number, by = shop.shop) =>
      Cart.open(by, { lines: [{ variantId: most.variantId, quantity }] });
    const carts = [await open(30), await open(20), await open(1)];
    const answers = await Promise.all(carts.map(hold));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 409]);
    // A server has many shoppers behind it, and is trusted with the whole stock.
    expect((await hold(await open(40, shop))).status).toBe(200);
  });

  test("five unpaid orders for one address of mail, ten from one client, counted also when they are made at once", async () => {
    const carts = await Promise.all(Array.from({ length: 8 }, () => cartOf(shop)));
    const answers = await Promise.all(carts.map(({ cart }) => cart.complete(undefined, {})));
    const tally = answers.map(outcome).toSorted();
    expect(tally).toEqual([...Array(5).fill("200"), ...Array(3).fill("429 order.unpaid_limit")]);
    expect(answers.find(({ status }) => status === 429)?.body.limit).toBe("perEmail");
    const others = await Promise.all(Array.from({ length: 6 }, () => cartOf(shop)));
    for (const [index, { cart }] of others.entries()) await cart.change({ email: `eve${index}@example.com` });
    const more = await Promise.all(others.map(({ cart }) => cart.complete(undefined, {})));
    expect(more.map(outcome).toSorted()).toEqual([...Array(5).fill("200"), "429 order.unpaid_limit"]);
    expect(more.find(({ status }) => status === 429)?.body.limit).toBe("perAddress");
    const [{ id }] = (await shop.get("/v1/admin/orders?status=pending&limit=1")).data;
    await shop.post(`/v1/admin/orders/${id}/void`);
    const refused = others.find((_, index) => more[index]?.status === 429);
    expect((await refused?.cart.complete(undefined, {}))?.status).toBe(200);
  });

  test("so many open carts as the shop allows one client", async () => {
    await shop.put(path, { methods: null, limits: { cartsPerAddress: 60 } });
    await admin.query(
      `insert into cart (tenant_id, id, token_hash, region_id, channel_id, currency, address_key, expires_at)
       select tenant_id, uuidv7(), '', region_id, channel_id, currency, address_key, expires_at
         from cart, generate_series(1, 60) where id = $1`,
      [typeIdToUuid("crt", (await cartOf(shop)).cart.state.id)],
    );
    const refused = await shop.shop.call("POST", "/v1/store/carts", { body: {} });
    expect([outcome(refused), refused.body.limit]).toEqual(["429 cart.open_limit", "cartsPerAddress"]);
    expect((await shop.call("POST", "/v1/store/carts", { body: {} })).status).toBe(201);
  });

  test("so many open carts of all clients, of which abandoned ones of the client with most give way", async () => {
    const busy = await newTenant();
    const { cart, variantId } = await cartOf(busy);
    const crt = typeIdToUuid("crt", cart.state.id);
    const limits = { cartsPerAddress: 5, cartsPerTenant: 256 * 5 };
    await busy.put(path, { methods: null, limits });
    /** Carts of a client of the same group, left alone since so many hours. */
    const leave = async (client: string, count: number, hours: number): Promise<string[]> => {
      const { rows } = await admin.query(
        `with made as (
           insert into cart (tenant_id, id, token_hash, region_id, channel_id, currency, expires_at, address_key, updated_at)
           select tenant_id, uuidv7(), '', region_id, channel_id, currency, expires_at - make_interval(hours => $4),
                  left(address_key, 2) || $2, now() - make_interval(hours => $4)
             from cart, generate_series(1, $3) where id = $1 returning tenant_id, id),
         lines as (
           insert into cart_line (tenant_id, id, cart_id, variant_id, quantity)
           select tenant_id, uuidv7(), id, $5, 1 from made)
         select id from made`,
        [crt, client, count, hours, typeIdToUuid("var", variantId)],
      );
      return rows.map(({ id }) => id);
    };
    const left = async (ids: readonly string[]) =>
      (await admin.query("select from cart where id = any($1)", [ids])).rowCount;
    const [one, many, active] = [await leave("aaaa", 1, 9), await leave("bbbb", 3, 3), await leave("cccc", 4, 0)];
    const create = (by = busy.shop) => by.call("POST", "/v1/store/carts", { body: {} });
    expect((await create()).status).toBe(201); // nine there, five may be: five would have to go
    expect([await left(one), await left(many), await left(active), await left([crt])]).toEqual([0, 0, 4, 1]);
    expect((await admin.query("select from cart_line where cart_id = any($1)", [many])).rowCount).toBe(0);
    const [more, last] = [await leave("bbbb", 2, 2), await leave("aaaa", 1, 9)];
    await admin.query("update cart set status = 'completed' where id = any($1)", [active.slice(1)]);
    expect((await create()).status).toBe(201); // six there: two go
    expect([await left(more), await left(last)]).toEqual([0, 1]);
    await admin.query("update cart set updated_at = now() where id = any($1)", [last]);
    await leave("cccc", 3, 0);
    const refused = await create();
    expect([outcome(refused), refused.body.limit]).toEqual(["429 cart.open_limit", "cartsPerTenant"]);
    expect((await create(busy)).status).toBe(201);
  });

  test("twenty stored answers of one cart, refusals give way first, and none for a token that is invented", async () => {
    await shop.put(path, { methods: null, limits: {} });
    const writes = modules
      .flatMap(({ routes = [] }) => routes)
      .filter(({ method, spec }) => method !== "get" && spec.cartToken);
    expect(writes.length).toBeGreaterThan(7);
    const { cart } = await cartOf(shop);
    const stored = async (token: string) => {
      const like = `%${createHash("sha256").update(token).update("\0").digest("hex")}%`;
      return (await admin.query("select status from idempotency_key where id like $1", [like])).rows;
    };
    const send = (token: string, method: string, to: string, key: string, body?: object) =>
      shop.shop.call(method.toUpperCase(), to, {
        headers: { "if-match": "*", "idempotency-key": key, "x-cart-token": token },
        ...(body && { body }),
      });
    for (const { method, path: to, spec } of writes)
      for (const key of ["a", "b"])
        await send(
          "invented",
          method,
          to.replace("{id}", newTypeId(to.includes("orders") ? "ord" : "crt")),
          key,
          spec.body && {},
        );
    expect(await stored("invented")).toEqual([]);

    const token = cart.shop.headers["x-cart-token"] ?? "";
    const change = (key: string) => send(token, "PATCH", cart.path, key, { email: `${key}@example.com` });
    const complete = (key: string) =>
      send(token, "POST", `${cart.path}/complete`, key, { expectedTotal: { amount: 1, currency: "EUR" } });
    expect((await change("first")).status).toBe(200);
    const refusals = await Promise.all(Array.from({ length: 30 }, (_, at) => complete(`refused-${at}`)));
    expect(tally(refusals)).toEqual({ "409 cart.total_changed": 30 });
    await complete("last");
    expect((await stored(token)).length).toBe(20);
    expect((await change("first")).headers.get("idempotent-replayed")).toBe("true");
    expect((await complete("last")).headers.get("idempotent-replayed")).toBe("true");
    for (let at = 0; at < 25; at += 1) await change(`change-${at}`);
    expect((await stored(token)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await change("change-6")).headers.get("idempotent-replayed")).toBe("true");
  });

  test("no cart lives longer than ninety days, however often it is changed", async () => {
    await shop.put(path, { methods: null, limits: {} });
    const { cart } = await cartOf(shop);
    const daysLeft = ({ expiresAt }: Body) => Math.round((Date.parse(expiresAt) - Date.now()) / 86_400_000);
    expect(daysLeft(cart.state)).toBe(30);
    await admin.query("update cart set created_at = created_at - interval '80 days' where id = $1", [
      typeIdToUuid("crt", cart.state.id),
    ]);
    await cart.change({ email: "ada@example.com" });
    expect(daysLeft(cart.state)).toBe(10);
  });
});

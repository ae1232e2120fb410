import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { type Answer, type Body, Cart, call, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { expectPages, walk } from "../support/list.js";
import { faults, outcome, tally } from "../support/outcome.js";
import { byCard, cartOf, connect, orderWhen, StripeSide } from "../support/stripe.js";

const path = "/v1/admin/orders";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;
let variantId: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  ({ variantId } = await newProduct(mine, { stock: 100, amount: 9_500 }));
});

/** An order of 100.00 that the merchant is paid for by hand. */
async function place(email = "ada@example.com") {
  const cart = await (await Cart.open(mine.shop, { lines: [{ variantId, quantity: 1 }] })).prepare();
  await cart.change({ email });
  const { body } = await cart.complete();
  return { id: body.order.id as string, number: body.order.number as number, cart };
}
/** An order whose mail has gone out, so that nothing moves its version by itself any more. */
const confirmed = async () => confirmedOf((await place()).id);
const confirmedOf = (id: string) =>
  orderWhen(mine, id, ({ timeline }) => timeline.some(({ type }: Body) => type === "confirmation_sent"));
const get = (id: string): Promise<Body> => mine.get(`${path}/${id}`);
type Asked = "capture" | "refunds" | "void";
const send = (id: string, what: Asked, body?: object, headers: Record<string, string> = {}, tenant = mine) =>
  tenant.call("POST", `${path}/${id}/${what}`, { body, headers: { "idempotency-key": randomUUID(), ...headers } });
const said = ({ status, body }: Answer) => (status === 200 ? body.paymentStatus : outcome({ status, body }));

describe("the list of orders", () => {
  let orders: Awaited<ReturnType<typeof place>>[];
  const ids = async (query: string) => (await mine.get(path + query)).data.map(({ id }: Body) => id);

  beforeAll(async () => {
    orders = [await place("Ada@Example.com"), await place("bob@example.com"), await place("bob@example.com")];
    await send(orders[1]?.id ?? "", "capture", {});
    for (const { id } of orders) await confirmedOf(id);
  });

  test("has the newest first, page by page", async () => {
    expect((await walk(mine, path)).map(({ number }) => number)).toEqual([1003, 1002, 1001]);
    await expectPages(mine, path, "status=open");
    const [newest] = (await mine.get(path)).data;
    expect(newest).toMatchObject({ number: 1003, total: { amount: 10_000, currency: "EUR" }, attention: null });
    expect((await theirs.get(path)).data).toEqual([]);
  });

  test("is searched by status, payment, number and e-mail", async () => {
    const [ada, bob, last] = orders.map(({ id }) => id);
    expect(await ids("?status=open")).toEqual([last, bob, ada]);
    expect(await ids("?status=cancelled")).toEqual([]);
    expect(await ids("?paymentStatus=captured")).toEqual([bob]);
    expect(await ids(`?number=${orders[0]?.number}`)).toEqual([ada]);
    expect(await ids("?email=ada@example.COM")).toEqual([ada]);
    expect(await ids("?email=bob@example.com&paymentStatus=pending")).toEqual([last]);
    for (const query of ["status=sold", "paymentStatus=paid", "number=0", "email=ada"])
      expect([query, outcome(await mine.call("GET", `${path}?${query}`))]).toEqual([query, "422 invalid_request"]);
  });
});

describe("money by hand", () => {
  test("is captured and refunded in parts, and never more than there is", async () => {
    const { id } = await place();
    expect([
      said(await send(id, "capture", { amount: 4_000 })),
      said(await send(id, "capture", {})),
      said(await send(id, "refunds", { amount: 1_000, reason: "a scratch" })),
      said(await send(id, "refunds", {})),
    ]).toEqual(["partially_captured", "captured", "partially_refunded", "refunded"]);
    const [payment] = (await get(id)).payments;
    expect(payment).toMatchObject({ provider: "manual", captured: { amount: 10_000 }, refunded: { amount: 10_000 } });
    expect(payment.operations.map(({ kind, reason }: Body) => [kind, reason])).toEqual([
      ["capture", null],
      ["capture", null],
      ["refund", "a scratch"],
      ["refund", null],
    ]);
    const more = [await send(id, "capture", { amount: 1 }), await send(id, "refunds", { amount: 1 })];
    expect(more.map(outcome)).toEqual(["409 payment.capture_exceeds", "409 payment.refund_exceeds"]);
  });

  test("that exceeds says what is left", async () => {
    const { id } = await place();
    await send(id, "capture", { amount: 2_500 });
    const [capture, refund] = [
      await send(id, "capture", { amount: 7_501 }),
      await send(id, "refunds", { amount: 2_501 }),
    ];
    expect([outcome(capture), capture.body.left]).toEqual(["409 payment.capture_exceeds", 7_500]);
    expect([outcome(refund), refund.body.left]).toEqual(["409 payment.refund_exceeds", 2_500]);
  });

  test("that nobody took is let go once, and the order with it; what was taken is not", async () => {
    const [free, taken] = [await place(), await place()];
    await send(taken.id, "capture", { amount: 1 });
    expect(said(await send(free.id, "void"))).toBe("voided");
    const answers = [await send(free.id, "void"), await send(taken.id, "void")];
    expect(tally(answers)).toEqual({ "409 payment.not_voidable": 2 });
    expect(await get(free.id)).toMatchObject({ status: "cancelled", cancelReason: "payment_voided" });
    expect(outcome(await send(free.id, "capture", {}))).toBe("409 order.cancelled");
  });

  test("is an amount of whole minor units, with a short reason", async () => {
    const { id } = await place();
    for (const amount of [0, -1, 1.5, "10", null])
      expect(faults(await send(id, "capture", { amount }))).toMatch(/^422 invalid_request( \/amount)+$/);
    expect(faults(await send(id, "refunds", { reason: "x".repeat(501) }))).toBe("422 invalid_request /reason");
    expect(outcome(await send(id, "void", { amount: 1 }))).toBe("400 body_unexpected");
  });

  test("moves once for a key, and never without one", async () => {
    const { id } = await place();
    const key = { "idempotency-key": randomUUID() };
    const once = [await send(id, "capture", { amount: 1_000 }, key), await send(id, "capture", { amount: 1_000 }, key)];
    expect(once[1]?.text).toBe(once[0]?.text);
    expect((await get(id)).payments[0].captured.amount).toBe(1_000);
    const keyless = await Promise.all(
      ["capture", "refunds", "void"].map((what) => mine.call("POST", `${path}/${id}/${what}`, {})),
    );
    expect(tally(keyless)).toEqual({ "400 idempotency_key_required": 3 });
  });

  test("moves for the version that was read", async () => {
    const { id } = await confirmed();
    const asks: [Asked, object | undefined][] = [
      ["capture", { amount: 1_000 }],
      ["refunds", { amount: 1_000 }],
    ];
    for (const [what, body] of asks) {
      const { version } = await get(id);
      const stale = await send(id, what, body, { "if-match": `"${version - 1}"` });
      expect([outcome(stale), stale.body.currentVersion]).toEqual(["412 version_stale", version]);
      expect((await send(id, what, body, { "if-match": `"${version}"` })).body.version).toBeGreaterThan(version);
    }
    const other = await confirmed();
    expect(outcome(await send(other.id, "void", undefined, { "if-match": '"7"' }))).toBe("412 version_stale");
    expect(said(await send(other.id, "void", undefined, { "if-match": `"${other.version}"` }))).toBe("voided");
  });
});

test("a note is kept for the staff, in the order's timeline", async () => {
  const { id, cart } = await place();
  const note = (text: unknown) => mine.call("POST", `${path}/${id}/notes`, { body: { text } });
  const made = await note("  Call before delivery. ");
  expect([made.status, made.body]).toMatchObject([201, { type: "note", data: { text: "Call before delivery." } }]);
  const { timeline, notes } = await get(id);
  expect([timeline.at(-1).type, notes]).toEqual(["placed", [made.body]]);
  expect(await cart.shop.get(`/v1/store/orders/${id}`)).not.toHaveProperty("timeline");
  for (const text of ["", "  ", "x".repeat(2_001), 7])
    expect(faults(await note(text))).toBe("422 invalid_request /text");
});

test("an order that nobody has, or another tenant, or another cart, is not found", async () => {
  const { id, cart } = await place();
  const other = await place();
  const store = `/v1/store/orders/${id}`;
  const pay = { body: { provider: "stripe", method: "payment_intent" }, headers: { "idempotency-key": randomUUID() } };
  const missed = async (caller: Tenant, of: string) => [
    await caller.call("GET", `${path}/${of}`),
    await caller.call("POST", `${path}/${of}/notes`, { body: { text: "mine" } }),
    await send(of, "capture", {}, {}, caller),
    await send(of, "refunds", {}, {}, caller),
    await send(of, "void", undefined, {}, caller),
  ];
  const answers = [
    ...(await missed(mine, newTypeId("ord"))),
    ...(await missed(theirs, id)),
    await mine.shop.call("GET", store),
    await other.cart.shop.call("GET", store),
    await theirs.shop.with(cart.shop.headers).call("GET", store),
    await other.cart.shop.call("POST", `${store}/payments`, pay),
  ];
  expect(tally(answers)).toEqual({ "404 order.not_found": 14 });
  expect((await cart.shop.get(store)).id).toBe(id);
});

test("an order waits for its money, and is cancelled when nobody pays", { timeout: 90_000 }, async () => {
  await connect(mine, new StripeSide(inject("system").stripeUrl));
  const { cart, variantId: reserved } = await cartOf(mine);
  const { order } = (await cart.complete(undefined, byCard)).body;
  expect(order).toMatchObject({ status: "pending", paymentStatus: "pending", cancelReason: null });
  expect((await mine.get(`${path}?status=pending`)).data.map(({ id }: Body) => id)).toEqual([order.id]);
  await admin.query("update payment set expires_at = now() where order_id = $1", [typeIdToUuid("ord", order.id)]);
  await call("POST", `${mine.url}/_local/schedules/sweep`);
  const cancelled = await orderWhen(mine, order.id, ({ status }) => status === "cancelled");
  expect(cancelled).toMatchObject({ cancelReason: "payment_expired", attention: null, paymentStatus: "voided" });
  const { data } = await mine.get(`/v1/admin/inventory?variantId=${reserved}`);
  expect(data[0]).toMatchObject({ onHand: 1, reserved: 0 });
  const body = { provider: "stripe", method: "payment_intent" };
  const headers = { "idempotency-key": randomUUID() };
  const answers = [
    await cart.shop.call("POST", `/v1/store/orders/${order.id}/payments`, { body, headers }),
    await send(order.id, "capture", {}),
    await send(order.id, "refunds", {}),
    await send(order.id, "void"),
  ];
  expect(answers.map(outcome)).toEqual([
    "409 order.not_payable",
    "409 order.cancelled",
    "409 payment.refund_exceeds",
    "409 payment.not_voidable",
  ]);
});

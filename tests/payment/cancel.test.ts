import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { atOnce } from "../race/race.js";
import { type Body, Cart } from "../support/client.js";
import { outcome, tally } from "../support/outcome.js";
import { paymentSuite } from "../support/payment-suite.js";
import { byCard, onPage } from "../support/stripe.js";

const till = paymentSuite();

const key = () => ({ "idempotency-key": randomUUID() });
const asStaff = (orderId: string, body: object = {}, headers: Record<string, string> = {}) =>
  till.tenant.call("POST", `/v1/admin/orders/${orderId}/cancel`, { body, headers: { ...key(), ...headers } });
const asShopper = ({ cart, orderId }: { cart: Cart; orderId: string }) =>
  cart.shop.call("POST", `/v1/store/orders/${orderId}/cancel`, { headers: key() });
const shelf = async (variantId: string) =>
  (await till.tenant.get(`/v1/admin/inventory?variantId=${variantId}`)).data[0];
const placesTaken = async () => {
  const { entitlements } = await till.tenant.owner.get("/v1/billing/usage");
  return entitlements.find(({ entitlement }: Body) => entitlement === "ordersPerMonth").current;
};
const byHand = { payment: { provider: "manual" } };

describe("the shopper gives a pending order up", () => {
  test.each([
    ["on the shop's page", byCard],
    ["on Stripe's page", onPage],
  ])("%s: its attempt is closed there, and the last piece is for sale again at once", async (_, means) => {
    const taken = await placesTaken();
    const bought = await till.buy(means);
    const { status, body } = await asShopper(bought);
    expect(status).toBe(200);
    expect(body.order).toMatchObject({ status: "cancelled", cancelReason: "requested_by_shopper" });
    if (means === byCard) expect(till.intentOf(bought.orderId).status).toBe("canceled");
    expect(await shelf(bought.variantId)).toMatchObject({ onHand: 1, reserved: 0 });
    expect(await placesTaken()).toBe(taken);
    expect(body.cart).toMatchObject({ status: "open", email: "ada@example.com", requirements: [] });
    expect(body.cart.totals).toEqual(body.order.totals);
    expect((await asShopper(bought)).body.cart.id).toBe(body.cart.id);

    const copy = new Cart(bought.cart.shop, body.cart);
    await copy.change({ email: "grace@example.com" });
    const again = await copy.complete(undefined, byCard);
    expect([again.status, again.body.order.email]).toEqual([200, "grace@example.com"]);
    await till.pay(again.body.payment);
    await till.when(again.body.order.id, (order) => order.status === "open");
  });

  test("not when it is paid: then the staff decides", async () => {
    const sold = await till.sell();
    const refused = await asShopper(sold);
    expect([outcome(refused), refused.body.orderStatus]).toEqual(["409 order.not_cancellable", "open"]);
    expect((await asStaff(sold.orderId, { reason: "requested_by_shopper" })).body.status).toBe("cancelled");
  });

  test("and nobody else does", async () => {
    const bought = await till.buy();
    const stranger = await Cart.open(till.tenant.shop);
    expect(outcome(await asShopper({ ...bought, cart: stranger }))).toBe("404 order.not_found");
    expect((await asShopper(bought)).status).toBe(200);
  });

  test("while Stripe does not answer: the order ends now, the attempt when it does", async () => {
    const bought = await till.buy();
    till.faults({ kind: "api_error", path: "/v1/payment_intents/*/cancel", next: 8 } as never);
    expect((await asShopper(bought)).body.order.status).toBe("cancelled");
    till.calm();
    await till.quiet();
    expect(till.intentOf(bought.orderId).status).toBe("canceled");
  });
});

describe("the staff cancels an open order", () => {
  test("its money goes back, its goods are for sale, its place is free, and the books forget the sale", async () => {
    const taken = await placesTaken();
    const { orderId, variantId, intent } = await till.sell();
    await till.when(orderId, (order) => order.paymentStatus === "captured");
    expect(await shelf(variantId)).toMatchObject({ onHand: 0, reserved: 0 });
    const { status, body } = await asStaff(orderId, { reason: "suspected_fraud", note: "Three cards" });
    expect([status, body.status, body.cancelReason, body.attention]).toEqual([
      200,
      "cancelled",
      "suspected_fraud",
      null,
    ]);
    const order = await till.when(orderId, ({ paymentStatus }) => paymentStatus === "refunded");
    expect(till.refundsOf(intent.id)).toMatchObject([{ amount: 10_000, status: "succeeded" }]);
    const entry = order.timeline.find(({ type }: Body) => type === "cancelled");
    expect(entry).toMatchObject({
      data: { reason: "suspected_fraud", restocked: true, note: "Three cards" },
      actor: { type: "key" },
    });
    expect(await shelf(variantId)).toMatchObject({ onHand: 1, reserved: 0 });
    const { data: moves } = await till.tenant.get(`/v1/admin/inventory/movements?variantId=${variantId}`);
    expect(moves[0]).toMatchObject({ reason: "cancelled", delta: 1, reference: orderId });
    expect(await placesTaken()).toBe(taken);
    const { data: told } = await till.tenant.get("/v1/admin/events?type=order.cancelled");
    const own = told.filter(({ data }: Body) => data.orderId === orderId);
    expect(own).toMatchObject([{ data: { reason: "suspected_fraud", placedAt: order.placedAt } }]);
    const [sale] = await till.query(
      `select sum(e.amount) filter (where e.account in ('sales', 'shipping', 'tax_payable'))::int as sold from ledger_entry e
         join ledger_transaction t on t.tenant_id = $1 and t.id = e.transaction_id
        where e.tenant_id = $1 and t.reference = $2`,
      orderId,
    );
    expect(sale).toEqual({ sold: 0 });
  });

  test("after a part was refunded: the rest goes back", async () => {
    const { orderId, intent } = await till.sell();
    await till.when(orderId, (order) => order.paymentStatus === "captured");
    await till.insist("refunds", orderId, { amount: 4_000 });
    expect((await asStaff(orderId)).status).toBe(200);
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "refunded");
    expect(till.refundsOf(intent.id).map(({ amount }) => amount)).toEqual(expect.arrayContaining([4_000, 6_000]));
  });

  test("whose goods are spoiled: they are not for sale again", async () => {
    const { orderId, variantId } = await till.buy(byHand);
    expect((await asStaff(orderId, { restock: false })).body.status).toBe("cancelled");
    expect(await shelf(variantId)).toMatchObject({ onHand: 0, reserved: 0 });
  });

  test("whose payment was lost: that concern goes with the order, and what is still owed stays", async () => {
    const [flagged, owing] = [await till.buy(byHand), await till.buy(byHand)];
    const set = (attention: string, concerns: object[], { orderId }: typeof owing) =>
      till.query(
        `update "order" set attention = $2, concerns = $3 where tenant_id = $1 and id = $4`,
        attention,
        JSON.stringify(concerns),
        typeIdToUuid("ord", orderId),
      );
    await set("payment_lost", [], flagged);
    expect((await asStaff(flagged.orderId, { reason: "not_paid" })).body).toMatchObject({
      ...{ status: "cancelled", paymentStatus: "voided" },
      ...{ attention: null, concerns: [] },
    });
    const owed = { code: "refund_failed", reference: "re_1", amount: 700 };
    await set("payment_lost", [{ code: "payment_lost", reference: "pay_1" }, owed], owing);
    expect((await asStaff(owing.orderId)).body).toMatchObject({ attention: "refund_failed", concerns: [owed] });
  });

  test("not one whose goods have left, and not for a version that was not read", async () => {
    const { orderId } = await till.buy(byHand);
    expect(outcome(await asStaff(orderId, {}, { "if-match": '"99"' }))).toBe("412 version_stale");
    const set = (fulfillment: string) =>
      till.query(`update "order" set fulfillment_status = $2 where tenant_id = $1`, fulfillment);
    for (const fulfillment of ["partially_fulfilled", "fulfilled"]) {
      await set(fulfillment);
      const refused = await asStaff(orderId);
      expect([outcome(refused), refused.body.fulfillmentStatus]).toEqual(["409 order.not_cancellable", fulfillment]);
    }
    await set("unfulfilled");
    expect((await asStaff(orderId)).status).toBe(200);
    expect((await asStaff(orderId)).body.status).toBe("cancelled");
  });
});

describe("at the same moment", () => {
  test("many cancel: one order ends, once", async () => {
    const { orderId } = await till.sell();
    await till.when(orderId, (order) => order.paymentStatus === "captured");
    expect(tally(await atOnce(6, () => asStaff(orderId)))).toEqual({ "200": 6 });
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "refunded");
  });

  test("the shopper pays: sold, or nothing is kept", async () => {
    const bought = await atOnce(8, () => till.buy());
    await Promise.all(
      bought.flatMap((one, index) => [
        till.pay(one.payment).catch(() => undefined),
        new Promise((resume) => setTimeout(resume, index * 30)).then(() => asShopper(one)),
      ]),
    );
    await till.quiet();
    for (const { orderId } of bought) {
      const { status } = await till.order(orderId);
      const [intent] = till.intentsOf(orderId);
      // A voided authorization is a refund at Stripe, too, but one that moves no money.
      const back = till.refundsOf(intent?.id ?? "").filter((refund) => refund.balance_transaction);
      const kept = (intent?.amount_received ?? 0) - back.reduce((sum, { amount }) => sum + amount, 0);
      expect([
        ["open", 10_000],
        ["cancelled", 0],
      ]).toContainEqual([status, kept]);
    }
  });

  test("the staff captures: taken and given back, or never taken", async () => {
    const bought = await atOnce(6, () => till.buy(byHand));
    await Promise.all(bought.flatMap(({ orderId }) => [till.insist("capture", orderId, {}), asStaff(orderId)]));
    for (const { orderId } of bought) {
      const { status, paymentStatus, payments } = await till.order(orderId);
      expect([status, ["voided", "refunded"]]).toEqual(["cancelled", expect.arrayContaining([paymentStatus])]);
      expect(payments[0].captured).toEqual(payments[0].refunded);
    }
  });

  test("its time is over: it ends once, by one of both", async () => {
    const bought = await atOnce(5, () => till.buy());
    await till.age(46);
    await Promise.all([till.host.runSchedule("sweep"), ...bought.map((one) => asShopper(one))]);
    await till.rest();
    for (const { orderId } of bought) expect((await till.order(orderId)).status).toBe("cancelled");
  });
});

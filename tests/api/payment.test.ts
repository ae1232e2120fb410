import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Answer, type Body, Cart, newProduct, newTenant, type Tenant, unique } from "../support/client.js";
import { administrator } from "../support/database.js";
import { faults, outcome } from "../support/outcome.js";
import { byCard, cartOf, confirm, connect, onPage, orderWhen, StripeSide } from "../support/stripe.js";

/** A payment's life as Stripe tells it; what happens when many ask at once, or answers are lost, is in tests/payment. */

const account = "/v1/admin/payments/account";
const admin = administrator();
let side: StripeSide;
let tenant: Tenant;
let connected: string;

beforeAll(async () => {
  side = new StripeSide(inject("system").stripeUrl);
  tenant = await newTenant();
  connected = await connect(tenant, side);
  await tenant.patch(account, { capture: "manual" });
});

/** An order of 100.00 that waits for its money. */
async function buy(payment: object = byCard) {
  const { cart } = await cartOf(tenant);
  const { body } = await cart.complete(undefined, payment);
  return { cart, id: body.order.id as string, payment: body.payment };
}
const when = (id: string, paymentStatus: string) =>
  orderWhen(tenant, id, (order) => order.paymentStatus === paymentStatus);
const ask = (id: string, what: "capture" | "refunds" | "void", body?: object) =>
  tenant.call("POST", `/v1/admin/orders/${id}/${what}`, { body, headers: { "idempotency-key": randomUUID() } });
const said = ({ status, body }: Answer) => (status === 200 ? body.paymentStatus : outcome({ status, body }));
const intentOf = (payment: Body): string => payment.action.clientSecret.split("_secret_")[0];
const types = ({ payments: [payment] }: Body) => payment.events.map(({ type }: Body) => type);

describe("a payment by card", () => {
  test("is declined, authorized, captured in parts and refunded in parts", async () => {
    const { id, payment } = await buy();
    expect(payment).toMatchObject({
      status: "pending",
      action: { type: "confirm_payment_intent", account: connected },
    });
    await confirm(side, payment, "pm_card_chargeDeclined").catch(() => undefined);
    expect((await when(id, "failed")).status).toBe("pending");
    await confirm(side, payment);
    expect((await when(id, "authorized")).status).toBe("open");
    expect([
      said(await ask(id, "capture", { amount: 3_000 })),
      said(await ask(id, "capture", {})),
      said(await ask(id, "refunds", { amount: 1_000 })),
      said(await ask(id, "refunds", {})),
    ]).toEqual(["partially_captured", "captured", "partially_refunded", "refunded"]);
    const order = await tenant.get(`/v1/admin/orders/${id}`);
    expect(types(order)).toEqual(["opened", "failed", "authorized", "captured", "captured", "refunded", "refunded"]);
    expect(order.payments[0]).toMatchObject({ provider: "stripe", reference: intentOf(payment), status: "refunded" });
  });

  test("waits for the bank, which asks the shopper", async () => {
    const { id, payment } = await buy();
    await confirm(side, payment, "pm_card_threeDSecure2Required");
    const waiting = await orderWhen(tenant, id, (order) => types(order).includes("action_required"));
    expect([waiting.status, waiting.paymentStatus]).toEqual(["pending", "pending"]);
    await side.act("authenticate", { payment_intent: intentOf(payment), outcome: "complete", account: connected });
    await when(id, "authorized");
  });

  test("is voided, and then neither captured nor voided again", async () => {
    const { id, payment } = await buy();
    await confirm(side, payment);
    await when(id, "authorized");
    expect(said(await ask(id, "void"))).toBe("voided");
    expect((await tenant.get(`/v1/admin/orders/${id}`)).status).toBe("cancelled");
    expect([said(await ask(id, "void")), said(await ask(id, "capture", {}))]).toEqual([
      "409 payment.not_voidable",
      "409 order.cancelled",
    ]);
  });

  test("whose provider refuses to capture says why, and frees what was set aside", async () => {
    const { id, payment } = await buy();
    await confirm(side, payment, "pm_card_jcb"); // of this brand, Stripe captures once
    await when(id, "authorized");
    expect(said(await ask(id, "capture", { amount: 2_000 }))).toBe("partially_captured");
    const refused = await ask(id, "capture", { amount: 2_000 });
    expect([outcome(refused), refused.body.reason]).toEqual([
      "409 payment.capture_failed",
      "payment_intent_unexpected_state",
    ]);
    const [{ captured, operations }] = (await tenant.get(`/v1/admin/orders/${id}`)).payments;
    expect([captured.amount, operations.map(({ status }: Body) => status)]).toEqual([2_000, ["succeeded", "failed"]]);
  });
});

describe("another attempt", () => {
  const retry = ({ cart, id }: Awaited<ReturnType<typeof buy>>, body: object = byCard.payment) =>
    cart.shop.call("POST", `/v1/store/orders/${id}/payments`, { body, headers: { "idempotency-key": randomUUID() } });

  test("is made for an order that waits, in another way", async () => {
    const bought = await buy();
    const { status, body } = await retry(bought, onPage.payment);
    expect([status, body]).toMatchObject([201, { status: "pending", action: { type: "redirect" } }]);
    const { payments } = await tenant.get(`/v1/admin/orders/${bought.id}`);
    expect(payments.map(({ method, status: of }: Body) => [method, of])).toEqual([
      ["payment_intent", "voided"],
      ["checkout_session", "pending"],
    ]);
  });

  test("in the same way is the one that is open; there are five at most", async () => {
    const bought = await buy();
    const again = await retry(bought);
    expect(again.body.action).toEqual(bought.payment.action);
    const page = (count: number) => retry(bought, { ...onPage.payment, returnUrl: `https://shop.example/${count}` });
    for (const count of [2, 3, 4, 5]) expect([count, (await page(count)).status]).toEqual([count, 201]);
    const refused = await page(6);
    expect([outcome(refused), refused.body.limit]).toEqual(["409 payment.attempts_exhausted", 5]);
    expect((await page(5)).status).toBe(201);
    const { payments } = await tenant.get(`/v1/admin/orders/${bought.id}`);
    expect(payments.map(({ status }: Body) => status)).toEqual([...Array(4).fill("voided"), "pending"]);
  });

  test("is not made after the end of the order, and ends with it", async () => {
    const bought = await buy();
    const due = (minutes: number) =>
      admin.query('update "order" set payment_due_at = now() + make_interval(mins => $2) where id = $1', [
        typeIdToUuid("ord", bought.id),
        minutes,
      ]);
    await due(10);
    expect((await retry(bought, onPage.payment)).status).toBe(201);
    const [{ left }] = (
      await admin.query(
        "select extract(epoch from max(expires_at) - now())::int as left from payment where order_id = $1 and closed_at is null",
        [typeIdToUuid("ord", bought.id)],
      )
    ).rows;
    expect(left).toBeLessThanOrEqual(600);
    const { heldUntil } = await bought.cart.shop.get(bought.cart.path);
    expect(Date.parse(heldUntil) - Date.now()).toBeLessThanOrEqual(600_000);
    await due(0);
    expect(outcome(await retry(bought))).toBe("409 payment.time_over");
  });

  test("of cards that are declined raises attention, and is closed after ten", async () => {
    const bought = await buy();
    for (let count = 1; count <= 10; count += 1)
      await confirm(side, bought.payment, "pm_card_chargeDeclined").catch(() => undefined);
    const flagged = (order: Body) => order.timeline.some(({ type }: Body) => type === "payments_declined");
    const ended = await orderWhen(tenant, bought.id, (order) => flagged(order) && order.status === "cancelled", 60_000);
    expect(ended.payments[0].status).toBe("voided");
  });

  test("is not made for an order that is paid, nor by hand, nor without a key", async () => {
    const bought = await buy();
    await confirm(side, bought.payment);
    await when(bought.id, "authorized");
    expect([
      outcome(await retry(bought)),
      faults(await retry(bought, { provider: "manual" })),
      outcome(await bought.cart.shop.call("POST", `/v1/store/orders/${bought.id}/payments`, { body: byCard.payment })),
    ]).toEqual(["409 order.not_payable", "422 invalid_request /provider", "400 idempotency_key_required"]);
  });
});

describe("what Stripe cannot take", () => {
  /** Completes a cart of one product of this price, delivered for nothing. */
  async function complete(amount: number, currency = "EUR") {
    const [{ regionId, taxClassId }] = (await tenant.get("/v1/admin/shipping-options")).data;
    const price = { amount: 0, currency };
    const option = await tenant.post("/v1/admin/shipping-options", { regionId, taxClassId, name: unique(), price });
    const variants = [{ sku: unique("SKU-"), prices: [{ currency, amount }] }];
    const { variantId } = await newProduct(tenant, { stock: 0, variants }).then(async (made) => {
      const adjustments = [{ variantId: made.variantId, delta: 1 }];
      await tenant.post("/v1/admin/inventory/adjustments", { adjustments, reason: "received" });
      return made;
    });
    const cart = await Cart.open(tenant.shop, { currency, lines: [{ variantId, quantity: 1 }] });
    const { shippingAddress } = (await (await cartOf(tenant)).cart).state;
    await cart.change({ email: "ada@example.com", shippingAddress, shippingOptionId: option.id });
    return cart.complete(undefined, byCard);
  }

  test("is refused before anything is opened, or when Stripe says so", async () => {
    const small = await complete(49);
    expect([outcome(small), small.body.least]).toEqual([
      "409 payment.amount_too_small",
      { amount: 50, currency: "EUR" },
    ]);
    const fine = await complete(1_234, "KWD");
    expect([outcome(fine), fine.body.step]).toEqual(["409 payment.amount_unsupported", 10]);
    expect(outcome(await complete(1_000, "IQD"))).toBe("409 payment.currency_unsupported");
    const large = await complete(100_000_000);
    expect([outcome(large), large.body.reason]).toEqual(["409 payment.refused", "amount_too_large"]);
  });
});

test("a debit is under way until the bank has said", async () => {
  const { id, payment } = await buy();
  const browser = side.browser(payment.action.publishableKey);
  const debit = { type: "sepa_debit" as const, sepa_debit: { iban: "DE89370400440532013000" } };
  const billing_details = { name: "Ada", email: "ada@example.com" };
  const method = await browser.paymentMethods.create({ ...debit, billing_details }, { stripeAccount: connected });
  await confirm(side, payment, method.id);
  expect((await when(id, "processing")).status).toBe("pending");
  await side.act("settle_debit", { payment_intent: intentOf(payment), account: connected });
  expect((await when(id, "captured")).status).toBe("open");
});

test("a shop whose account is disconnected takes no card, and still gives money back", async () => {
  const { id, payment } = await buy();
  await confirm(side, payment);
  await when(id, "authorized");
  await ask(id, "capture", {});
  await tenant.delete(account);
  const { cart } = await cartOf(tenant);
  expect(outcome(await cart.complete(undefined, byCard))).toBe("409 payment.provider_unavailable");
  expect(said(await ask(id, "refunds", {}))).toBe("refunded");
  await tenant.post(account);
  expect((await cart.complete(undefined, byCard)).status).toBe(200);
});

import { describe, expect, test, vi } from "vitest";
import type { Body } from "../support/client.js";
import { paymentSuite } from "../support/payment-suite.js";
import { onPage, submit } from "../support/stripe.js";

const till = paymentSuite();

const is =
  (status: string) =>
  ({ paymentStatus }: Body) =>
    paymentStatus === status;
const types = ({ payments: [payment] }: Body) => payment.events.map(({ type }: Body) => type);
const declined = (error: unknown) => (error as { code: string }).code;

describe("a card", () => {
  test("is declined, and another one is taken on the same payment", async () => {
    const { orderId, payment } = await till.buy();
    expect(await till.pay(payment, "pm_card_visa_chargeDeclinedInsufficientFunds").catch(declined)).toBe(
      "card_declined",
    );
    const failed = await till.when(orderId, is("failed"));
    expect(failed.status).toBe("pending");
    expect(failed.payments[0].events.at(-1)).toMatchObject({ type: "failed", data: { code: "insufficient_funds" } });
    await till.pay(payment);
    const order = await till.when(orderId, is("captured"));
    expect(types(order)).toEqual(["opened", "failed", "authorized", "captured"]);
    expect(till.intentsOf(orderId)).toHaveLength(1);
  });

  test("the news of the decline comes last: the order stays what it is", async () => {
    const { orderId, payment } = await till.buy();
    await till.side.chaos({ webhooks: { hold: true } });
    await till.pay(payment, "pm_card_chargeDeclined").catch(declined);
    await till.pay(payment);
    await till.side.chaos({ webhooks: { hold: false } });
    await till.side.act("release", { order: "reversed" });
    await till.when(orderId, is("captured"));
    await till.rest();
    expect((await till.order(orderId)).paymentStatus).toBe("captured");
  });

  test("whose bank asks who is there: complete", async () => {
    const { orderId, payment } = await till.buy();
    expect((await till.pay(payment, "pm_card_threeDSecure2Required")).status).toBe("requires_action");
    const waiting = await till.when(orderId, ({ payments }) => payments[0].events.length === 2);
    expect([types(waiting), waiting.paymentStatus]).toEqual([["opened", "action_required"], "pending"]);
    till.stripe.authenticate(till.intentOf(orderId).id, "complete", till.account);
    const order = await till.when(orderId, is("captured"));
    expect(types(order)).toEqual(["opened", "action_required", "authorized", "captured"]);
  });

  test("whose bank asks who is there: the shopper cannot say, and takes another card", async () => {
    const { orderId, payment } = await till.buy();
    await till.pay(payment, "pm_card_threeDSecure2Required");
    till.stripe.authenticate(till.intentOf(orderId).id, "fail", till.account);
    const failed = await till.when(orderId, is("failed"));
    expect(failed.payments[0].events.at(-1).data.code).toBe("payment_intent_authentication_failure");
    await till.pay(payment);
    await till.when(orderId, is("captured"));
  });
});

describe("a debit of a bank", () => {
  test.each([
    ["works", "DE89370400440532013000", "captured"],
    ["fails", "DE62370400440532013001", "failed"],
  ])("that is under way for days, and then %s", async (_, iban, end) => {
    const { orderId, payment, variantId } = await till.buy();
    await till.pay(payment, await till.sepa(iban));
    await till.when(orderId, is("processing"));
    // Its time is over, and it is not given up: the shopper has done all there is to do.
    await till.age(50);
    await till.sweep();
    expect((await till.order(orderId)).status).toBe("pending");
    till.stripe.settleDebit(till.intentOf(orderId).id, till.account);
    const order = await till.when(orderId, is(end));
    expect(order.status).toBe(end === "captured" ? "open" : "pending");
    // Whatever is left is over after the next hours.
    await till.age(7 * 60);
    await till.sweep();
    const { status, cancelReason } = await till.order(orderId);
    expect([status, cancelReason]).toEqual(end === "captured" ? ["open", null] : ["cancelled", "payment_expired"]);
    const { data } = await till.tenant.get(`/v1/admin/inventory?variantId=${variantId}`);
    expect(data[0]).toMatchObject({ onHand: end === "captured" ? 0 : 1, reserved: 0 });
  });

  test("whose news comes after the money was given back in part: the order was paid all the same", async () => {
    const { orderId, payment } = await till.buy();
    await till.pay(payment, await till.sepa("DE89370400440532013000"));
    await till.when(orderId, is("processing"));
    await till.side.chaos({ webhooks: { hold: true } });
    const { id } = till.intentOf(orderId);
    till.stripe.settleDebit(id, till.account);
    await vi.waitUntil(
      () =>
        till.stripe.objects("charge", till.account).some((one) => one.payment_intent === id && one.balance_transaction),
      { timeout: 20_000 },
    );
    await till.dashboard.refunds.create({ payment_intent: id, amount: 1_000 }, till.at);
    await till.host.clock.advance(90_000);
    await till.side.chaos({ webhooks: { hold: false } });
    await till.side.act("release", { order: "reversed" });
    const order = await till.when(orderId, is("partially_refunded"));
    expect(order.status).toBe("open");
  });
});

describe("Stripe's page", () => {
  const from = async (returnUrl: string) => {
    const { orderId, payment } = await till.buy({ payment: { ...onPage.payment, returnUrl } });
    const shown = await (await fetch(payment.action.url)).text();
    const { headers } = await submit(payment.action.url);
    const [attempt] = (await till.order(orderId)).payments;
    return { orderId, paymentId: attempt.id as string, location: headers.get("location"), shown };
  };

  test("leads back to an address that names the order and the payment, also when it was encoded", async () => {
    const plain = await from("https://shop.example/thanks/{ORDER_ID}?of={ORDER_ID}&payment={PAYMENT_ID}#{ORDER_ID}");
    const { orderId, paymentId } = plain;
    expect(plain.location).toBe(`https://shop.example/thanks/${orderId}?of=${orderId}&payment=${paymentId}#${orderId}`);
    expect(plain.shown).toContain(`<a href="https://shop.example/thanks/${orderId}?`); // and so does giving up
    const url = new URL("https://shop.example/thanks");
    url.searchParams.set("order", "{ORDER_ID}");
    const encoded = await from(url.href);
    expect(encoded.location).toBe(`https://shop.example/thanks?order=${encoded.orderId}`);
  });

  test("keeps what Stripe fills in, and what is no name", async () => {
    const { location } = await from("https://shop.example/?s={CHECKOUT_SESSION_ID}&t={ORDER}&u=%7BX%7D");
    expect(location).toMatch(/^https:\/\/shop\.example\/\?s=cs_\w+&t=\{ORDER\}&u=%7BX%7D$/);
  });

  test("names what is bought, and is paid by a click on its button", async () => {
    const { orderId, payment } = await till.buy(onPage);
    const shown = await (await fetch(payment.action.url)).text();
    expect(shown).toMatch(/Mug SKU-\w+ × 1/);
    const inputs = [...shown.matchAll(/<input name="(\w+)" value="([^"]*)"/g)];
    const filled = new URLSearchParams(inputs.map(([, name = "", value = ""]): [string, string] => [name, value]));
    const { status } = await fetch(payment.action.url, { method: "POST", body: filled, redirect: "manual" });
    expect(status).toBe(303);
    await till.when(orderId, is("captured"));
  });

  test("is paid by card: the order is paid", async () => {
    const { orderId, payment } = await till.buy(onPage);
    expect((await submit(payment.action.url, "4000000000009995")).status).toBe(402);
    const { status, headers } = await submit(payment.action.url);
    expect([status, headers.get("location")]).toEqual([303, "https://shop.example/thanks"]);
    const order = await till.when(orderId, is("captured"));
    expect(order).toMatchObject({ status: "open", payments: [{ method: "checkout_session" }] });
    expect(order.payments[0].reference).toBe(till.intentOf(orderId).id);
  });

  test("is paid while the answer that it was opened with is lost", async () => {
    const { orderId, payment } = await till.buy(onPage);
    await till.query(
      "update payment set session = null, reference = null where tenant_id = $1 and not accepted and closed_at is null",
    );
    await submit(payment.action.url);
    await till.rest();
    await till.age(90);
    await till.sweep();
    await till.when(orderId, is("captured"));
  });
});

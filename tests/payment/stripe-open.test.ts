import { describe, expect, test } from "vitest";
import type { Failure } from "../../core/kernel/error.js";
import { OutcomeUnknown } from "../../core/kernel/error.js";
import type { Attempt } from "../../core/payment/provider.js";
import { openIntent, openSession } from "../../core/payment/stripe/attempt.js";
import { closeAtStripe } from "../../core/payment/stripe/cancellation.js";
import { snapshotOf } from "../../core/payment/stripe/snapshot.js";
import { withDeadline } from "../../core/stripe/client.js";
import { merchant } from "./merchant.js";

const shop = merchant();
const made = (attempt: Attempt) =>
  shop.standIn.objects("payment_intent", shop.account).filter((one) => one.metadata.stoa_payment === attempt.id);
const sessions = (attempt: Attempt) =>
  shop.standIn.objects("checkout.session", shop.account).filter((one) => one.client_reference_id === attempt.id);
const codeOf = (error: unknown) => (error as Failure).code;
const fails = (promise: Promise<unknown>) => promise.then(() => "nothing", codeOf);

describe("an attempt on the shop's page", () => {
  test("is a PaymentIntent of the merchant's account, with the platform's share, cards held and debits not", async () => {
    const attempt = shop.attempt();
    const opened = await openIntent(shop.place, attempt, false);
    const [intent] = made(attempt);
    expect(opened).toMatchObject({ reference: intent?.id, session: null });
    expect(opened.action).toEqual({
      type: "confirm_payment_intent",
      clientSecret: intent?.client_secret,
      publishableKey: "pk_test_merchant000000001",
      account: shop.account,
    });
    expect(opened.expiresIn).toBeGreaterThan(2_000);
    expect(opened.expiresIn).toBeLessThanOrEqual(2_400);
    expect(intent).toMatchObject({ amount: 10_000, currency: "eur", application_fee_amount: 200 });
    expect(intent?.payment_method_types).toEqual(["card", "sepa_debit"]);
    expect(intent?.payment_method_options?.card).toMatchObject({ capture_method: "manual" });
    const [request] = shop.asked("POST", /payment_intents$/);
    expect(request).toMatchObject({ account: shop.account, idempotencyKey: attempt.id });
    expect(request?.params).not.toHaveProperty("capture_method");
  });

  test("opened again is the same, whether its name is known or not", async () => {
    const attempt = shop.attempt();
    const first = await openIntent(shop.place, attempt, false);
    const again = await Promise.all([
      openIntent(shop.place, attempt, false),
      openIntent(shop.place, { ...attempt, reference: first.reference }, false),
    ]);
    for (const one of again) expect(one.action).toEqual(first.action);
    expect(made(attempt)).toHaveLength(1);
  });

  test.each(["cut_after", "cut_before", "hang_after", "conflict", "lock_timeout", "rate_limit", "unavailable"])(
    "is opened once when the first answer is %s",
    async (kind) => {
      const attempt = shop.attempt();
      shop.faults({ kind, method: "POST", path: "/v1/payment_intents" });
      const opened = withDeadline(kind === "hang_after" ? 11_000 : 5_000, () => openIntent(shop.place, attempt, false));
      expect((await opened).reference).toBe(made(attempt)[0]?.id);
      expect(made(attempt)).toHaveLength(1);
      for (const { idempotencyKey } of shop.asked("POST", /payment_intents$/)) expect(idempotencyKey).toBe(attempt.id);
    },
  );

  test("is found when its key stands for an error of Stripe's, though it was made", async () => {
    const attempt = shop.attempt();
    shop.faults({ kind: "error_after", method: "POST", path: "/v1/payment_intents" });
    expect((await openIntent(shop.place, attempt, false)).reference).toBe(made(attempt)[0]?.id);
  });

  test("is undecided when its key stands for an error and nothing was made", async () => {
    const attempt = shop.attempt();
    shop.faults({ kind: "error_before", method: "POST", path: "/v1/payment_intents" });
    await expect(openIntent(shop.place, attempt, false)).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(made(attempt)).toEqual([]);
  });

  test("older than its key is found by listing, and never made", async () => {
    const attempt = shop.attempt();
    const { reference } = await openIntent(shop.place, attempt, false);
    const yesterday = new Date(Date.now() - 23.5 * 3_600_000).toISOString();
    for (let n = 0; n < 101; n += 1) await shop.sdk.paymentIntents.create({ amount: 500, currency: "eur" }, shop.at);
    shop.standIn.forgetRequests();
    expect((await openIntent(shop.place, { ...attempt, createdAt: yesterday }, false)).reference).toBe(reference);
    const lost = shop.attempt({ createdAt: yesterday });
    expect(await fails(openIntent(shop.place, lost, false))).toBe("payment.attempt_expired");
    expect(shop.asked("POST", /./)).toEqual([]);
    expect(await snapshotOf(shop.place, lost)).toBeUndefined();
  });

  test("that Stripe refuses says why", async () => {
    const open = (more: Partial<Attempt>) => fails(openIntent(shop.place, shop.attempt({ fee: 0, ...more }), false));
    expect(await open({ amount: 49 })).toBe("payment.amount_too_small");
    expect(await open({ amount: 100_000_000 })).toBe("payment.refused");
    expect(await open({ currency: "IQD" })).toBe("payment.currency_unsupported");
    expect(await open({ currency: "KWD", amount: 1_234 })).toBe("payment.amount_unsupported");
    const stranger = { ...shop.place, options: { stripeAccount: "acct_strange" } };
    expect(await fails(openIntent(stranger, shop.attempt(), false))).toBe("payment.provider_unavailable");
    shop.standIn.forgetRequests();
    expect(await fails(openIntent(shop.place, shop.attempt({ fee: 0, amount: 49 }), true))).not.toBe("nothing");
    expect(shop.asked("POST", /payment_intents$/)).toHaveLength(1);
  });

  test("that is paid has no next step", async () => {
    const attempt = shop.attempt();
    const { reference } = await openIntent(shop.place, attempt, false);
    expect((await openIntent(shop.place, { ...attempt, reference }, false)).action).not.toBeNull();
    await shop.confirm(String(reference));
    expect((await openIntent(shop.place, { ...attempt, reference }, false)).action).toBeNull();
  });

  test("asks for captures in parts only where they are wanted, and does without where they are not allowed", async () => {
    const attempt = shop.attempt();
    await openIntent(shop.place, attempt, true);
    expect(made(attempt)[0]?.payment_method_options?.card).toMatchObject({ request_multicapture: "if_available" });
    const plain = shop.attempt();
    const message = "This account is not eligible for the requested card features.";
    const refusal = Object.assign(new Error(message), {
      type: "StripeInvalidRequestError",
      code: "payment_intent_invalid_parameter",
    });
    const { paymentIntents } = shop.place.stripe;
    const keys: unknown[] = [];
    const picky = Object.create(paymentIntents, {
      create: {
        value: (params: never, options: { idempotencyKey: string }) => {
          keys.push(options.idempotencyKey);
          return keys.length === 1 ? Promise.reject(refusal) : paymentIntents.create(params, options);
        },
      },
    });
    const stripe = Object.create(shop.place.stripe, { paymentIntents: { value: picky } });
    const { reference } = await openIntent({ ...shop.place, stripe }, plain, true);
    expect(keys).toEqual([plain.id, `${plain.id}/whole`]);
    expect(made(plain).map(({ id }) => id)).toEqual([reference]);
    expect(made(plain)[0]?.payment_method_options?.card).not.toHaveProperty("request_multicapture");
  });

  test("in krónur is ten times ten thousand hundredths; the share is rounded to what can be moved", async () => {
    const attempt = shop.attempt({ currency: "ISK", amount: 10_000, fee: 199 });
    await openIntent(shop.place, attempt, false);
    expect(made(attempt)[0]).toMatchObject({ amount: 1_000_000, currency: "isk", application_fee_amount: 19_900 });
    expect(await snapshotOf(shop.place, attempt)).toMatchObject({ amount: 10_000, currency: "ISK" });
    const dinar = shop.attempt({ currency: "KWD", amount: 10_000, fee: 199 });
    await openIntent(shop.place, dinar, false);
    expect(made(dinar)[0]).toMatchObject({ amount: 10_000, application_fee_amount: 190 });
  });
});

describe("an attempt on Stripe's page", () => {
  const onPage = () => shop.attempt({ method: "checkout_session" });

  test("is a Checkout Session with the same terms, open for 40 minutes", async () => {
    const attempt = onPage();
    const opened = await openSession(shop.place, attempt, false);
    const [session] = sessions(attempt);
    expect(opened).toMatchObject({
      reference: null,
      session: session?.id,
      action: { type: "redirect", url: session?.url },
    });
    expect(session).toMatchObject({ amount_total: 10_000, currency: "eur", customer_email: "ada@example.com" });
    expect((session?.expires_at ?? 0) - Math.floor(Date.parse(attempt.createdAt) / 1000)).toBe(2_400);
    expect((await openSession(shop.place, attempt, false)).session).toBe(opened.session);
    expect(sessions(attempt)).toHaveLength(1);
    expect(await snapshotOf(shop.place, attempt)).toMatchObject({ reference: null, status: "waiting", amount: 10_000 });
  });

  test("paid there is authorised, with the payment's name and the platform's share", async () => {
    const attempt = onPage();
    const { session, action } = await openSession(shop.place, attempt, false);
    expect((await shop.submit(String(action?.url))).status).toBe(303);
    const snapshot = await snapshotOf(shop.place, { ...attempt, session });
    const [intent] = made(attempt);
    expect(snapshot).toMatchObject({ reference: intent?.id, status: "authorized", authorized: 10_000, captured: 0 });
    expect(intent).toMatchObject({ application_fee_amount: 200, metadata: { stoa_order: attempt.orderId } });
    await closeAtStripe(shop.place, { ...attempt, session });
    expect(await snapshotOf(shop.place, { ...attempt, session })).toMatchObject({ status: "authorized" });
  });

  test("whose answer was lost is closed all the same", async () => {
    const attempt = onPage();
    shop.faults({ kind: "error_after", method: "POST", path: "/v1/checkout/sessions" });
    const { session } = await openSession(shop.place, attempt, false);
    expect(sessions(attempt).map(({ id }) => id)).toEqual([session]);
    await closeAtStripe(shop.place, attempt);
    await closeAtStripe(shop.place, attempt);
    expect(sessions(attempt)[0]?.status).toBe("expired");
    expect(await snapshotOf(shop.place, { ...attempt, session })).toMatchObject({ status: "expired" });
    expect((await openSession(shop.place, { ...attempt, session }, false)).action).toBeNull();
  });

  test("opened too late is refused, not left open for a day", async () => {
    const createdAt = new Date(Date.now() - 15 * 60_000).toISOString();
    expect(await fails(openSession(shop.place, { ...onPage(), createdAt }, false))).toBe("payment.attempt_expired");
  });
});

describe("closing", () => {
  test("ends what nobody has paid, twice over", async () => {
    const attempt = shop.attempt();
    await openIntent(shop.place, attempt, false);
    await closeAtStripe(shop.place, attempt);
    await closeAtStripe(shop.place, attempt);
    expect(made(attempt)[0]?.status).toBe("canceled");
    expect(await snapshotOf(shop.place, attempt)).toMatchObject({ status: "voided", authorized: 0 });
    // Stripe repeats the refusal of a key, but may accept the call in another state.
    const keys = shop.asked("POST", /cancel$/).map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([`${attempt.id}/cancel/requires_payment_method/untried`]);
  });

  test("asks to expire only a page that is open", async () => {
    const attempt = shop.attempt({ method: "checkout_session" });
    await openSession(shop.place, attempt, false);
    await closeAtStripe(shop.place, attempt);
    await closeAtStripe(shop.place, attempt);
    expect(shop.asked("POST", /expire$/)).toHaveLength(1);
  });

  test.each([
    ["pm_card_visa", "requires_capture"],
    ["pm_sepa_debit", "processing"],
  ])("leaves a payment by %s alone", async (method, status) => {
    const attempt = shop.attempt();
    const { reference } = await openIntent(shop.place, attempt, false);
    if (method === "pm_sepa_debit") {
      const debit = { type: "sepa_debit" as const, sepa_debit: { iban: "DE89370400440532013000" } };
      const billing_details = { name: "Ada", email: "ada@example.com" };
      method = (await shop.sdk.paymentMethods.create({ ...debit, billing_details }, shop.at)).id;
    }
    await shop.confirm(String(reference), method);
    await closeAtStripe(shop.place, { ...attempt, reference });
    expect(made(attempt)[0]?.status).toBe(status);
  });
});

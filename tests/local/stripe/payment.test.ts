import { describe, expect, test } from "vitest";
import {
  calm,
  cardPayment,
  client,
  clock,
  failure,
  pay,
  publishableKey,
  standIn,
  stripe,
  submit,
  types,
} from "./stand-in.js";

const intent = (more = {}) => stripe.paymentIntents.create({ amount: 2500, currency: "eur", ...more });

describe("a card", () => {
  test("pays, and what Stripe keeps is booked a moment later", async () => {
    const paid = await pay("pm_card_visa", { expand: ["latest_charge"] });
    expect(paid).toMatchObject({ status: "succeeded", amount_received: 10_000, amount_capturable: 0 });
    expect(paid.latest_charge).toMatchObject({ captured: true, balance_transaction: null });
    await calm();
    const charge = await stripe.charges.retrieve(standIn.objects("charge")[0]?.id ?? "", {
      expand: ["balance_transaction"],
    });
    expect(charge.balance_transaction).toMatchObject({ amount: 10_000, fee: 175, net: 9825, type: "charge" });
    expect(types()).toEqual([
      "payment_intent.created",
      "charge.succeeded",
      "payment_intent.succeeded",
      "charge.updated",
    ]);
  });

  test.for([
    ["pm_card_chargeDeclined", "card_declined", "generic_decline"],
    ["pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card", undefined],
    ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined],
    ["pm_card_chargeDeclinedProcessingError", "processing_error", undefined],
  ] as const)("%s is declined, and another one pays", async ([method, code, decline_code]) => {
    const error = await failure(pay(method));
    expect(error).toMatchObject({ type: "StripeCardError", statusCode: 402, code });
    expect(error.decline_code || undefined).toBe(decline_code);
    const declined = await stripe.paymentIntents.retrieve(error.payment_intent?.id ?? "");
    expect(declined).toMatchObject({ status: "requires_payment_method", payment_method: null });
    expect(declined.last_payment_error).toMatchObject({ code, charge: error.charge });
    const charge = await stripe.charges.retrieve(error.charge ?? "");
    expect(charge).toMatchObject({ status: "failed", paid: false, failure_code: code });
    const paid = await stripe.paymentIntents.confirm(declined.id, { payment_method: "pm_card_visa" });
    expect(paid).toMatchObject({ status: "succeeded", last_payment_error: null });
    expect((await stripe.charges.list({ payment_intent: paid.id })).data).toHaveLength(2);
  });

  test("is not used twice unless it belongs to the customer who pays", async () => {
    const paid = await pay();
    const again = pay(String(paid.payment_method));
    expect(await failure(again)).toMatchObject({ statusCode: 400, param: "payment_method" });
    const customer = await stripe.customers.create({});
    const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    expect(await failure(pay(method.id))).toMatchObject({ param: "payment_method" });
    for (let time = 0; time < 2; time++)
      expect((await pay(method.id, { customer: customer.id })).status).toBe("succeeded");
  });

  test("number is not for servers, but for browsers", async () => {
    const card = { number: "4242424242424242", exp_month: 12, exp_year: 2099, cvc: "123" };
    expect(await failure(stripe.paymentMethods.create({ type: "card", card }))).toMatchObject({ statusCode: 402 });
    const browser = client(publishableKey);
    const create = (more: object) => browser.paymentMethods.create({ type: "card", card: { ...card, ...more } });
    expect(await create({ exp_year: 2060 })).toMatchObject({ card: { last4: "4242", exp_year: 2060 } });
    const codes = [{ number: "4242424242424241" }, { exp_year: 2020 }, { cvc: "1" }].map(
      async (more) => (await failure(create({ exp_year: 2060, ...more }))).code,
    );
    expect(await Promise.all(codes)).toEqual(["incorrect_number", "invalid_expiry_year", "invalid_cvc"]);
  });
});

describe("the bank asks who is there", () => {
  const returnUrl = "https://shop.example/return?order=1";

  test("and the shopper answers on its page", async () => {
    const waiting = await pay("pm_card_authenticationRequired", {
      automatic_payment_methods: { enabled: true },
      return_url: returnUrl,
    });
    expect(waiting).toMatchObject({ status: "requires_action", latest_charge: null });
    const { url } = waiting.next_action?.redirect_to_url ?? {};
    expect(await (await fetch(url ?? "")).text()).toContain("Complete");
    const answer = await submit(url ?? "", { outcome: "complete" });
    expect(answer.status).toBe(303);
    const back = new URL(answer.headers.get("location") ?? "");
    expect(Object.fromEntries(back.searchParams)).toEqual({
      order: "1",
      payment_intent: waiting.id,
      payment_intent_client_secret: waiting.client_secret,
      redirect_status: "succeeded",
    });
    const paid = await stripe.paymentIntents.retrieve(waiting.id, { expand: ["latest_charge"] });
    expect(paid).toMatchObject({
      status: "succeeded",
      next_action: null,
      latest_charge: { payment_method_details: { card: { three_d_secure: { result: "authenticated" } } } },
    });
    expect((await submit(url ?? "", { outcome: "complete" })).status).toBe(400);
    expect((await fetch(`${url?.split("?")[0]}?secret=guess`)).status).toBe(404);
  });

  test("or fails to, and pays with another card", async () => {
    const waiting = await pay("pm_card_authenticationRequired");
    expect(waiting.next_action?.type).toBe("use_stripe_sdk");
    const failed = standIn.authenticate(waiting.id, "fail");
    expect(failed).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { code: "payment_intent_authentication_failure" },
    });
    expect((await stripe.paymentIntents.confirm(waiting.id, { payment_method: "pm_card_visa" })).status).toBe(
      "succeeded",
    );
  });

  test("but nobody is there: the payment is declined", async () => {
    const customer = await stripe.customers.create({});
    const { id } = await stripe.paymentMethods.attach("pm_card_authenticationRequired", { customer: customer.id });
    const error = await failure(pay(id, { customer: customer.id, off_session: true }));
    expect(error).toMatchObject({ statusCode: 402, code: "authentication_required" });
  });

  test("once, when the card is set up for later", async () => {
    const customer = await stripe.customers.create({});
    const more = { customer: customer.id, setup_future_usage: "off_session" };
    const waiting = await pay("pm_card_authenticationRequiredOnSetup", more);
    standIn.authenticate(waiting.id, "complete");
    const later = { customer: customer.id, off_session: true };
    expect((await pay(String(waiting.payment_method), later)).status).toBe("succeeded");
  });
});

describe("a request", () => {
  test("must give somewhere to return to, unless redirects are ruled out", async () => {
    const error = await failure(pay("pm_card_visa", { automatic_payment_methods: { enabled: true } }));
    expect(error.message).toMatch(/you must provide a `return_url`/);
  });

  test.for([
    [{ amount: 49 }, "amount_too_small", "amount"],
    [{ amount: 100_000_000 }, "amount_too_large", "amount"],
    [{ currency: "EUR" }, undefined, "currency"],
    [{ currency: "xyz" }, undefined, "currency"],
    [{ amount: 49, currency: "jpy" }, "amount_too_small", "amount"],
    [{ amount: 1005, currency: "bhd" }, undefined, "amount"],
    [{ amount: 1050, currency: "isk" }, undefined, "amount"],
    [{ amount: 10.5 }, "parameter_invalid_integer", "amount"],
    [{ order: 1 }, "parameter_unknown", "order"],
    [{ shipping: { name: "x", address: { strasse: "y" } } }, "parameter_unknown", "shipping[address][strasse]"],
    [{ payment_method: "pm_gone" }, "resource_missing", "payment_method"],
    [{ application_fee_amount: 1 }, undefined, "application_fee_amount"],
    [{ off_session: true }, undefined, "off_session"],
  ] as const)("%o is refused", async ([more, code, param]) => {
    expect(await failure(intent(more))).toMatchObject({
      type: "StripeInvalidRequestError",
      statusCode: 400,
      code,
      param,
    });
    expect(standIn.objects("payment_intent")).toEqual([]);
  });

  test("says what is missing", async () => {
    const nothing = stripe.paymentIntents.create({} as never);
    expect(await failure(nothing)).toMatchObject({ code: "parameter_missing", param: "amount" });
    expect((await intent({ amount: 50, currency: "jpy" })).amount).toBe(50);
    expect((await intent({ amount: 1010, currency: "kwd" })).amount).toBe(1010);
  });
});

test("a browser sees its PaymentIntent by the secret only, and less of it", async () => {
  const browser = client(publishableKey);
  const { id, client_secret } = await intent({ metadata: { order: "1" } });
  const secret = client_secret ?? "";
  const seen = await browser.paymentIntents.retrieve(id, { client_secret: secret });
  expect(seen).toMatchObject({ id, amount: 2500, status: "requires_payment_method" });
  expect(seen.metadata).toBeUndefined();
  expect(await failure(browser.paymentIntents.retrieve(id, { client_secret: "guess" }))).toMatchObject({
    statusCode: 400,
  });
  expect(await failure(browser.paymentIntents.retrieve(id))).toMatchObject({ param: "client_secret" });
  const confirm = { client_secret: secret, payment_method: "pm_card_visa", return_url: "https://shop.example" };
  expect((await browser.paymentIntents.confirm(id, confirm as never)).status).toBe("succeeded");
  expect(await failure(browser.paymentIntents.create(cardPayment("pm_card_visa")))).toMatchObject({
    statusCode: 401,
    code: "secret_key_required",
  });
});

test("a debit is under way first, and then works or does not", async () => {
  const debit = (iban: string) =>
    intent({
      confirm: true,
      return_url: "https://shop.example",
      payment_method_data: { type: "sepa_debit", sepa_debit: { iban }, billing_details: { name: "A", email: "a@b.c" } },
      mandate_data: { customer_acceptance: { type: "offline", offline: {} } },
    });
  const [good, bad] = [await debit("DE89370400440532013000"), await debit("DE62370400440532013001")];
  expect([good.status, bad.status]).toEqual(["processing", "processing"]);
  await clock.advance(60_000);
  const [paid, failed] = await Promise.all([good, bad].map(({ id }) => stripe.paymentIntents.retrieve(id)));
  expect(paid).toMatchObject({ status: "succeeded", amount_received: 2500 });
  expect(failed).toMatchObject({ status: "requires_payment_method", amount_received: 0 });
  expect(types()).toEqual(expect.arrayContaining(["payment_intent.processing", "charge.pending", "charge.failed"]));
  const untold = intent({
    confirm: true,
    payment_method: "pm_usBankAccount_success",
    currency: "usd",
    return_url: "https://a.b",
  });
  expect((await failure(untold)).message).toMatch(/mandate/);
});

import type Stripe from "stripe";
import { describe, expect, test } from "vitest";
import { calm, clock, connected, failure, standIn, stripe, submit, types } from "./stand-in.js";

const line = (unit_amount = 1250, quantity = 2) => ({
  price_data: { currency: "eur", unit_amount, product_data: { name: "Mug <blue>" } },
  quantity,
});
const open = (more: Partial<Stripe.Checkout.SessionCreateParams> = {}, options: Stripe.RequestOptions = {}) =>
  stripe.checkout.sessions.create(
    {
      mode: "payment",
      line_items: [line()],
      client_reference_id: "order_1",
      success_url: "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
      cancel_url: "https://shop.example/cart",
      ...more,
    },
    options,
  );
const card = (number = "4242 4242 4242 4242", more = {}) => ({
  email: "ada@example.com",
  number,
  expiry: "12 / 60",
  cvc: "123",
  name: "Ada",
  ...more,
});
const urlOf = (session: Stripe.Checkout.Session) => session.url ?? "";
const again = (session: Stripe.Checkout.Session, options: Stripe.RequestOptions = {}) =>
  stripe.checkout.sessions.retrieve(session.id, { expand: ["payment_intent"] }, options);

describe("a shopper", () => {
  test("pays on the page and comes back to the shop", async () => {
    const session = await open();
    expect(session).toMatchObject({
      status: "open",
      payment_status: "unpaid",
      amount_total: 2500,
      currency: "eur",
      payment_intent: null,
    });
    const form = await (await fetch(urlOf(session))).text();
    expect(form).toContain("Pay €25.00");
    expect(form).toContain("Mug &lt;blue&gt;");
    expect(form).toContain('href="https://shop.example/cart"');
    const answer = await submit(urlOf(session), card());
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe(`https://shop.example/thanks?session=${session.id}`);
    expect(await again(session)).toMatchObject({
      status: "complete",
      payment_status: "paid",
      url: null,
      client_reference_id: "order_1",
      customer_details: { email: "ada@example.com", name: "Ada" },
      payment_intent: { status: "succeeded", amount_received: 2500 },
    });
    await calm();
    expect(types()).toEqual([
      "payment_intent.created",
      "charge.succeeded",
      "payment_intent.succeeded",
      "checkout.session.completed",
      "charge.updated",
    ]);
    expect((await fetch(urlOf(session))).status).toBe(410);
    expect((await submit(urlOf(session), card())).status).toBe(410);
    expect(standIn.objects("charge")).toHaveLength(1);
  });

  test("is told why not, and tries again with another card", async () => {
    const session = await open();
    const declined = await submit(urlOf(session), card("4000 0000 0000 9995"));
    expect(declined.status).toBe(402);
    expect(await declined.text()).toContain("Your card has insufficient funds.");
    const wrong = await submit(urlOf(session), card("4242 4242 4242 4241"));
    expect(await wrong.text()).toContain("Your card number is incorrect.");
    expect(await (await submit(urlOf(session), card(undefined, { email: "" }))).text()).toContain(
      "email is incomplete",
    );
    expect(await (await submit(urlOf(session), card("4111 1111 1111 1111"))).text()).toContain("declined");
    expect(await again(session)).toMatchObject({
      status: "open",
      payment_intent: { status: "requires_payment_method" },
    });
    const intent = (await again(session)).payment_intent as Stripe.PaymentIntent;
    expect(await failure(stripe.paymentIntents.cancel(intent.id))).toMatchObject({
      code: "payment_intent_unexpected_state",
    });
    expect((await submit(urlOf(session), card())).status).toBe(303);
    expect(standIn.objects("payment_intent")).toHaveLength(1);
  });

  test.for([
    ["complete", "complete"],
    ["fail", "open"],
  ] as const)("is asked by the bank who is there: %s", async ([outcome, status]) => {
    const session = await open();
    const challenge = await submit(urlOf(session), card("4000 0027 6000 3184"));
    const bank = challenge.headers.get("location") ?? "";
    expect(bank).toContain("/authenticate/");
    expect((await again(session)).status).toBe("open");
    const answer = await submit(bank, { outcome });
    const back = await fetch(answer.headers.get("location") ?? "", { redirect: "manual" });
    expect((await again(session)).status).toBe(status);
    if (outcome === "complete") expect(back.headers.get("location")).toContain("https://shop.example/thanks");
    else expect(await back.text()).toContain("unable to authenticate");
    expect((await submit(urlOf(session), card())).status).toBe(outcome === "complete" ? 410 : 303);
  });

  test("pays by debit, and the money comes later or not at all", async () => {
    const [good, bad] = [await open(), await open()];
    await submit(urlOf(good), { email: "a@b.c", with: "sepa_debit", iban: "DE89 3704 0044 0532 0130 00" });
    await submit(urlOf(bad), { email: "a@b.c", with: "sepa_debit", iban: "DE62370400440532013001" });
    expect(await again(good)).toMatchObject({ status: "complete", payment_status: "unpaid" });
    await clock.advance(60_000);
    expect(await again(good)).toMatchObject({ payment_status: "paid" });
    expect(await again(bad)).toMatchObject({ payment_status: "unpaid" });
    expect(types()).toEqual(
      expect.arrayContaining([
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
      ]),
    );
  });
});

test("a session carries over what its PaymentIntent shall have, in the account's name", async () => {
  const { id } = await connected();
  const options = { stripeAccount: id };
  const session = await open(
    {
      payment_intent_data: { application_fee_amount: 50, metadata: { attempt: "pay_1" } },
      payment_method_options: { card: { capture_method: "manual" } },
      customer_email: "known@example.com",
      metadata: { order: "1" },
    },
    options,
  );
  expect(await (await fetch(urlOf(session))).text()).not.toContain('name="email"');
  await submit(urlOf(session), card());
  const done = await again(session, options);
  expect(done).toMatchObject({
    payment_status: "unpaid",
    metadata: { order: "1" },
    customer_details: { email: "known@example.com" },
    payment_intent: { status: "requires_capture", application_fee_amount: 50, metadata: { attempt: "pay_1" } },
  });
  expect(await failure(stripe.checkout.sessions.retrieve(session.id))).toMatchObject({ statusCode: 404 });
  await stripe.paymentIntents.capture((done.payment_intent as Stripe.PaymentIntent).id, {}, options);
  expect((await again(session, options)).payment_status).toBe("paid");
  const list = { payment_intent: (done.payment_intent as Stripe.PaymentIntent).id };
  expect((await stripe.checkout.sessions.list(list, options)).data.map((one) => one.id)).toEqual([session.id]);
});

test("a session ends after a day, at the time that it was given, or when the shop says so", async () => {
  const hour = Math.floor(clock.now() / 1000) + 3600;
  const [day, short, withdrawn] = [await open(), await open({ expires_at: hour }), await open()];
  expect(day.expires_at - day.created).toBe(86_400);
  await submit(urlOf(withdrawn), card("4000000000000002"));
  expect(await stripe.checkout.sessions.expire(withdrawn.id)).toMatchObject({ status: "expired", url: null });
  expect(await again(withdrawn)).toMatchObject({
    payment_intent: { status: "canceled", cancellation_reason: "expired" },
  });
  expect(await failure(stripe.checkout.sessions.expire(withdrawn.id))).toMatchObject({ statusCode: 400 });
  await clock.advance(3_601_000);
  expect([(await again(short)).status, (await again(day)).status]).toEqual(["expired", "open"]);
  expect((await submit(urlOf(short), card())).status).toBe(410);
  await calm();
  expect(types().filter((type) => type === "checkout.session.expired")).toHaveLength(2);
});

test.for([
  [{ success_url: "" }, "success_url"],
  [{ line_items: [] }, "line_items"],
  [{ line_items: [{ price_data: line().price_data }] }, "line_items[0][quantity]"],
  [{ line_items: [line(10, 1)] }, "line_items"],
  [{ line_items: [{ quantity: 1 }] }, "line_items[0]"],
  [{ line_items: [{ price: "price_gone", quantity: 1 }] }, "line_items[0][price]"],
  [{ expires_at: 1 }, "expires_at"],
  [{ payment_intent_data: { application_fee_amount: 1 } }, "payment_intent_data[application_fee_amount]"],
  [{ payment_intent_data: { order: 1 } }, "payment_intent_data[order]"],
  [{ client_reference_id: "x".repeat(201) }, "client_reference_id"],
  [{ mode: "sale" }, "mode"],
] as const)("%o is refused", async ([more, param]) => {
  expect(await failure(open(more as object))).toMatchObject({ statusCode: 400, param });
});

test("the lines of a session are there when they are asked for", async () => {
  const session = await open({ line_items: [line(), line(700, 1)] });
  expect(session.line_items).toBeUndefined();
  const { data } = await stripe.checkout.sessions.listLineItems(session.id);
  expect(data.map(({ amount_total, description }) => [amount_total, description])).toEqual([
    [2500, "Mug <blue>"],
    [700, "Mug <blue>"],
  ]);
  const expanded = await stripe.checkout.sessions.retrieve(session.id, { expand: ["line_items.data.price.product"] });
  expect(expanded.line_items?.data[0]?.price?.product).toMatchObject({ name: "Mug <blue>", active: false });
});

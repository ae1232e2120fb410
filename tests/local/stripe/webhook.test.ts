import type Stripe from "stripe";
import { describe, expect, test } from "vitest";
import {
  calm,
  clock,
  connected,
  connectSecret,
  delivered,
  pay,
  platformSecret,
  receiver,
  standIn,
  stripe,
  types,
} from "./stand-in.js";

const verified = ({ body, headers }: (typeof delivered)[number], secret: string) =>
  stripe.webhooks.constructEvent(body, headers["stripe-signature"] ?? "", secret);
const idsDelivered = () => delivered.map(({ body }) => (JSON.parse(body) as Stripe.Event).id);
const count = 4; // events of a payment by card

describe("an event", () => {
  test("is signed for its endpoint, and only Connect's carry an account", async () => {
    const account = await connected();
    await pay();
    const paid = await pay("pm_card_visa", {}, { stripeAccount: account.id, idempotencyKey: "attempt" });
    await calm();
    const platform = delivered.filter(({ path }) => path === "/platform").map((one) => verified(one, platformSecret));
    const connect = delivered.filter(({ path }) => path === "/connect").map((one) => verified(one, connectSecret));
    expect(platform).toHaveLength(count);
    expect(connect).toHaveLength(count + 1); // account.updated besides
    expect(platform.map(({ account: of }) => of)).toEqual(Array(count).fill(undefined));
    expect(connect.map(({ account: of }) => of)).toEqual(Array(count + 1).fill(account.id));
    const succeeded = connect.find(({ type }) => type === "payment_intent.succeeded");
    expect(succeeded).toMatchObject({
      object: "event",
      api_version: "2026-10-28.endive",
      livemode: false,
      pending_webhooks: 1,
      request: { id: paid.lastResponse.requestId, idempotency_key: "attempt" },
      data: { object: { id: paid.id, status: "succeeded" }, previous_attributes: { status: "requires_confirmation" } },
    });
    expect(await stripe.events.retrieve(succeeded?.id ?? "", {}, { stripeAccount: account.id })).toMatchObject({
      id: succeeded?.id,
      pending_webhooks: 0,
    });
    expect(() => verified(delivered[0] as (typeof delivered)[number], "whsec_other")).toThrow(/signature/);
  });

  test("is signed with both secrets while one is rolled", async () => {
    standIn.setEndpoints([{ url: receiver.url, secrets: ["whsec_old", "whsec_new"], connect: false }]);
    await pay();
    await calm();
    for (const one of delivered) for (const secret of ["whsec_old", "whsec_new"]) verified(one, secret);
    expect(delivered).toHaveLength(count);
  });

  test("keeps what was, not what became of it", async () => {
    const paid = await pay();
    await stripe.refunds.create({ payment_intent: paid.id });
    const { data } = await stripe.events.list({ type: "charge.succeeded" });
    expect(data[0]?.data.object).toMatchObject({ amount_refunded: 0, balance_transaction: null });
  });

  test("that is not taken comes again, ever later, for three days", async () => {
    receiver.status = 500;
    await pay();
    await calm();
    const missed = await stripe.events.list({ delivery_success: false });
    expect(missed.data).toHaveLength(count);
    await clock.advance(9_000);
    await calm();
    expect(delivered).toHaveLength(count);
    await clock.advance(1_000);
    await calm();
    expect(delivered).toHaveLength(2 * count);
    receiver.status = 200;
    await clock.advance(60_000);
    await calm();
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
    expect(delivered).toHaveLength(3 * count);
    expect(new Set(idsDelivered()).size).toBe(count);
  });

  test("is given up after three days", async () => {
    receiver.status = 301;
    standIn.setEndpoints([{ url: receiver.url, secrets: ["x"], connect: false, events: ["charge.succeeded"] }]);
    await pay();
    for (let hour = 0; hour < 80; hour++) {
      await calm();
      await clock.advance(3_600_000);
    }
    const attempts = delivered.length;
    expect(attempts).toBeGreaterThan(8);
    await clock.advance(10 * 86_400_000);
    await calm();
    expect(delivered).toHaveLength(attempts);
  });

  test("can be asked for during thirty days", async () => {
    await pay();
    const [event] = (await stripe.events.list({ types: ["payment_intent.succeeded", "refund.created"] })).data;
    expect(event?.type).toBe("payment_intent.succeeded");
    await clock.advance(31 * 86_400_000);
    expect((await stripe.events.list({})).data.map(({ type }) => type)).not.toContain("payment_intent.succeeded");
    await expect(stripe.events.retrieve(event?.id ?? "")).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe("switches", () => {
  test("duplicate", async () => {
    standIn.chaos.webhooks.duplicate = 5;
    for (let payment = 0; payment < 5; payment++) await pay();
    await calm();
    expect(new Set(idsDelivered()).size).toBe(5 * count);
    expect(delivered.length).toBeGreaterThan(5 * count);
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
  });

  test("reorder", async () => {
    standIn.chaos.webhooks.reorder = 50;
    for (let payment = 0; payment < 5; payment++) await pay();
    await calm();
    const made = standIn
      .events()
      .map(({ id }) => id)
      .toReversed();
    expect(idsDelivered()).not.toEqual(made);
    expect(idsDelivered().toSorted()).toEqual(made.toSorted());
  });

  test("delay", async () => {
    standIn.chaos.webhooks.delayMs = 3 * 86_400_000;
    for (let payment = 0; payment < 5; payment++) await pay();
    await calm();
    expect(delivered.length).toBeLessThan(count);
    await clock.advance(3 * 86_400_000);
    await calm();
    expect(delivered).toHaveLength(5 * count);
  });

  test.for([
    ["drop", count],
    ["lose", 0],
  ] as const)("%s", async ([name, missing]) => {
    standIn.chaos.webhooks[name] = 1;
    await pay();
    await calm();
    expect(delivered).toEqual([]);
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(missing);
    standIn.chaos.webhooks[name] = 0;
    standIn.resend(standIn.events()[0]?.id ?? "");
    await calm();
    expect(delivered).toHaveLength(1);
  });

  test("hold, and release in another order, several times", async () => {
    standIn.chaos.webhooks.hold = true;
    await pay();
    await calm();
    expect(delivered).toEqual([]);
    const held = standIn.state().webhooks.held;
    expect(standIn.release({ events: held.slice(0, 1), times: 3 })).toBe(3);
    await calm();
    expect(idsDelivered()).toEqual(Array(3).fill(held[0]));
    expect(standIn.release({ order: "reversed" })).toBe(count - 1);
    await calm();
    expect(idsDelivered().slice(3).toSorted()).toEqual(held.slice(1).toSorted());
  });
});

test("forgeries carry what Stripe would never send", async () => {
  const account = await connected();
  await pay("pm_card_visa", {}, { stripeAccount: account.id });
  await calm();
  delivered.length = 0;
  const event = standIn.events(account.id).find(({ type }) => type === "charge.succeeded")?.id ?? "";
  receiver.status = 400;
  const send = async (forgery: Parameters<typeof standIn.forge>[0]) => {
    expect(await standIn.forge({ connect: true, ...forgery })).toEqual({ status: 400 });
    return delivered.at(-1) as (typeof delivered)[number];
  };
  const wrong = await send({ event });
  expect(() => verified(wrong, connectSecret)).toThrow(/signature/);
  const elsewhere = await send({ event, secret: connectSecret, account: "acct_other" });
  expect(verified(elsewhere, connectSecret)).toMatchObject({ id: event, account: "acct_other" });
  const live = await send({ event, secret: connectSecret, livemode: true });
  expect(verified(live, connectSecret).livemode).toBe(true);
  const late = await send({ event, secret: connectSecret, skew: -301 });
  expect(() => verified(late, connectSecret)).toThrow(/[Tt]imestamp/);
  const changed = await send({ event, secret: connectSecret, body: "{}" });
  expect(() => verified(changed, connectSecret)).toThrow(/signature/);
  expect((await send({ event, header: null })).headers["stripe-signature"]).toBeUndefined();
  const object = { id: "pi_1", object: "payment_intent" };
  const invented = await send({ type: "payment_intent.succeeded", object, secret: connectSecret, account: "acct_x" });
  expect(verified(invented, connectSecret)).toMatchObject({ type: "payment_intent.succeeded", data: { object } });
  expect(types(account.id).filter((type) => type === "payment_intent.succeeded")).toHaveLength(1);
});

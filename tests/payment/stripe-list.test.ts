import { describe, expect, test } from "vitest";
import { stripe } from "../../core/payment/stripe/index.js";
import { disputesSince, intentsSince, refundsSince } from "../../core/payment/stripe/list.js";
import { openIntent } from "../../core/payment/stripe/open.js";
import { operate } from "../../core/payment/stripe/operate.js";
import { merchant } from "./merchant.js";

const shop = merchant();
const where = () => ({ account: shop.account, livemode: false });
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
async function all<T>(listed: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of listed) found.push(one);
  return found;
}

describe("what Stripe lists", () => {
  test("of payments, refunds and disputes names the attempt it says it was for, page by page", async () => {
    const attempt = shop.attempt();
    const { reference } = await openIntent(shop.place, attempt, false);
    await shop.confirm(String(reference), "pm_card_visa");
    await operate(shop.place, { ...attempt, reference }, shop.operation("capture", 10_000));
    const [charge] = shop.standIn.objects("charge", shop.account);
    shop.standIn.openDispute(charge?.id ?? "", shop.account);
    const [other, dashboard] = [shop.attempt(), { amount: 500, currency: "eur" }];
    const paid = await openIntent(shop.place, other, false);
    await shop.confirm(String(paid.reference));
    await operate(shop.place, { ...other, reference: paid.reference }, shop.operation("capture", 10_000));
    await operate(shop.place, { ...other, reference: paid.reference }, shop.operation("refund", 100));
    for (let n = 0; n < 120; n += 1) await shop.sdk.paymentIntents.create(dashboard, shop.at);
    shop.standIn.forgetRequests();

    const intents = await all(intentsSince(where(), ago(60)));
    expect(intents).toHaveLength(122);
    expect(intents.at(-1)).toMatchObject({ reference, paymentIntent: reference, attempt: attempt.id });
    expect(intents.filter(({ attempt: named }) => named === null)).toHaveLength(120);
    expect(shop.asked("GET", /payment_intents$/)).toHaveLength(2);
    expect(await all(refundsSince(where(), ago(60)))).toMatchObject([
      { paymentIntent: paid.reference, attempt: other.id },
    ]);
    const [dispute, ...others] = await all(disputesSince(where(), ago(60)));
    expect(dispute).toMatchObject({ reference: expect.stringMatching(/^du_/), paymentIntent: reference });
    expect(others).toEqual([]);
  });

  test("begins with the instant that is asked for, and an answer that is lost is asked for again", async () => {
    expect(await all(intentsSince(where(), ago(-60)))).toEqual([]);
    shop.faults({ kind: "cut_before", method: "GET", path: "/v1/refunds", next: 2 });
    expect(await all(refundsSince(where(), ago(60)))).toHaveLength(1);
  });
});

describe("what a shopper has left with a merchant", () => {
  const newShopper = async () => {
    const { id } = await shop.sdk.customers.create({ email: "ada@example.com" }, shop.at);
    const card = await shop.sdk.paymentMethods.attach("pm_card_visa", { customer: id }, shop.at);
    return { reference: id, card: card.id, ...where() };
  };

  test("is shown as people know it, and forgotten when they wish", async () => {
    const { card, ...ada } = await newShopper();
    const [method] = await stripe.storedMethods(ada);
    expect(method).toEqual({
      reference: card,
      type: "card",
      label: expect.stringMatching(/^Visa •••• 4242, \d\d\/\d{4}$/),
    });
    await stripe.forgetMethod(ada, card);
    expect(await stripe.storedMethods(ada)).toEqual([]);
    await stripe.forgetMethod(ada, card);
    expect(shop.asked("POST", /detach$/)).toHaveLength(1);
  });

  test("stays when it is another's", async () => {
    const [{ card: _, ...ada }, grace] = [await newShopper(), await newShopper()];
    await stripe.forgetMethod(ada, grace.card);
    expect(await stripe.storedMethods(grace)).toHaveLength(1);
    expect(shop.asked("POST", /detach$/)).toEqual([]);
  });

  test("is asked of an account that is connected", async () => {
    const gone = { ...where(), account: "acct_gone", reference: "cus_1" };
    await expect(stripe.storedMethods(gone)).rejects.toMatchObject({ code: "payment.provider_unavailable" });
    await expect(stripe.storedMethods({ ...gone, account: null })).rejects.toMatchObject({ kind: "conflict" });
  });
});

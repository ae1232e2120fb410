import { describe, expect, test } from "vitest";
import { openIntent } from "../../core/payment/stripe/attempt.js";
import { stripe } from "../../core/payment/stripe/index.js";
import { disputesSince, intentsSince, refundsSince } from "../../core/payment/stripe/list.js";
import { operateAtStripe } from "../../core/payment/stripe/operation.js";
import { newTenant } from "../support/client.js";
import { asSystem } from "../support/domain.js";
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
    await operateAtStripe(shop.place, { ...attempt, reference }, shop.operation("capture", 10_000));
    const [charge] = shop.standIn.objects("charge", shop.account);
    shop.standIn.openDispute(charge?.id ?? "", shop.account);
    const [other, dashboard] = [shop.attempt(), { amount: 500, currency: "eur" }];
    const paid = await openIntent(shop.place, other, false);
    await shop.confirm(String(paid.reference));
    await operateAtStripe(shop.place, { ...other, reference: paid.reference }, shop.operation("capture", 10_000));
    await operateAtStripe(shop.place, { ...other, reference: paid.reference }, shop.operation("refund", 100));
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

test("an account that is not connected, or none, is refused as unavailable", async () => {
  const gone = { ...shop.attempt(), account: "acct_0Unknown", reference: "pi_0Unknown" };
  const { id } = await newTenant(); // what Stripe has lost is noted for the tenant
  await expect(asSystem(id, () => stripe.snapshot(gone))).rejects.toMatchObject({
    code: "payment.provider_unavailable",
  });
  await expect(stripe.snapshot({ ...gone, account: null })).rejects.toMatchObject({ kind: "conflict" });
  await expect(stripe.snapshot({ ...shop.attempt(), livemode: null })).rejects.toMatchObject({ kind: "conflict" });
});

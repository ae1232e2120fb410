import { describe, expect, test } from "vitest";
import {
  calm,
  cardPayment,
  clock,
  connected,
  delivered,
  failure,
  pay,
  standIn,
  stripe,
  submit,
  types,
} from "./stand-in.js";

const link = (account: string) =>
  stripe.accountLinks.create({
    account,
    type: "account_onboarding",
    refresh_url: "https://stoa.example/refresh",
    return_url: "https://stoa.example/return",
  });

describe("onboarding", () => {
  test("is a page that somebody clicks through; coming back does not mean that it is done", async () => {
    const account = await stripe.accounts.create({
      country: "DE",
      controller: {
        fees: { payer: "account" },
        losses: { payments: "stripe" },
        requirement_collection: "stripe",
        stripe_dashboard: { type: "full" },
      },
    });
    expect(account).toMatchObject({ charges_enabled: false, details_submitted: false, default_currency: "eur" });
    expect(account.capabilities).toMatchObject({ card_payments: "inactive" });
    const first = await link(account.id);
    expect(await (await fetch(first.url)).text()).toContain("Leave half done");
    const half = await submit(first.url, { outcome: "half" });
    expect(half.headers.get("location")).toBe("https://stoa.example/return");
    expect(await stripe.accounts.retrieve(account.id)).toMatchObject({
      charges_enabled: false,
      details_submitted: false,
      requirements: { disabled_reason: "requirements.past_due" },
    });
    const second = await link(account.id);
    await fetch(second.url);
    await submit(second.url, { outcome: "complete" });
    expect(await stripe.accounts.retrieve(account.id)).toMatchObject({
      charges_enabled: true,
      payouts_enabled: true,
      details_submitted: true,
      capabilities: { card_payments: "active" },
      requirements: { currently_due: [], disabled_reason: null },
    });
    await calm();
    expect(delivered.map(({ path, body }) => [path, JSON.parse(body).type, JSON.parse(body).account])).toEqual([
      ["/connect", "account.updated", account.id],
      ["/connect", "account.updated", account.id],
    ]);
  });

  test("links open once, and for five minutes", async () => {
    const { id } = await stripe.accounts.create({});
    const [used, late] = [await link(id), await link(id)];
    await fetch(used.url);
    const again = await fetch(used.url, { redirect: "manual" });
    expect(again.headers.get("location")).toBe("https://stoa.example/refresh");
    await clock.advance(300_000);
    expect((await fetch(late.url, { redirect: "manual" })).status).toBe(303);
  });

  test("may be checked later, and what was enabled may be taken away again", async () => {
    const { id } = await stripe.accounts.create({});
    const { url } = await link(id);
    await fetch(url);
    await submit(url, { outcome: "checking" });
    expect(await stripe.accounts.retrieve(id)).toMatchObject({ details_submitted: true, charges_enabled: false });
    standIn.completeOnboarding(id);
    expect((await pay("pm_card_visa", {}, { stripeAccount: id })).status).toBe("succeeded");
    standIn.restrictAccount(id);
    const error = await failure(pay("pm_card_visa", {}, { stripeAccount: id }));
    expect(error).toMatchObject({ statusCode: 400, type: "StripeInvalidRequestError" });
  });
});

describe("a direct charge", () => {
  test("belongs to its account and to nobody else, the platform included", async () => {
    const [mine, other] = [await connected(), await connected()];
    const options = { stripeAccount: mine.id };
    const paid = await pay("pm_card_visa", {}, options);
    expect((await stripe.paymentIntents.retrieve(paid.id, {}, options)).id).toBe(paid.id);
    for (const elsewhere of [{}, { stripeAccount: other.id }]) {
      expect(await failure(stripe.paymentIntents.retrieve(paid.id, {}, elsewhere))).toMatchObject({
        statusCode: 404,
        code: "resource_missing",
      });
      expect(await failure(stripe.refunds.create({ payment_intent: paid.id }, elsewhere))).toMatchObject({
        statusCode: 400,
        code: "resource_missing",
        param: "payment_intent",
      });
      expect((await stripe.charges.list({}, elsewhere)).data).toEqual([]);
      expect((await stripe.events.list({ type: "charge.succeeded" }, elsewhere)).data).toEqual([]);
    }
    expect((await stripe.events.list({ type: "charge.succeeded" }, options)).data).toMatchObject([
      { account: mine.id, livemode: false },
    ]);
  });

  test("pays the platform its fee, which goes back when that is asked for", async () => {
    const { id } = await connected();
    const options = { stripeAccount: id };
    const paid = await pay("pm_card_visa", { application_fee_amount: 400 }, options);
    await calm();
    const charge = await stripe.charges.retrieve(
      String(paid.latest_charge),
      { expand: ["balance_transaction", "application_fee"] },
      options,
    );
    expect(charge.balance_transaction).toMatchObject({ amount: 10_000, fee: 575, net: 9425 });
    expect(charge.application_fee).toMatchObject({ amount: 400, account: id });
    const refund = { payment_intent: paid.id, amount: 5000, refund_application_fee: true };
    await stripe.refunds.create(refund, options);
    const [fee] = (await stripe.applicationFees.list({})).data;
    expect(fee).toMatchObject({ amount: 400, amount_refunded: 200, charge: charge.id, refunded: false });
    expect(types(null)).toEqual(["application_fee.created", "application_fee.refunded"]);
  });

  test("needs an account that has finished onboarding, and one that is there", async () => {
    const { id } = await stripe.accounts.create({});
    expect(await failure(pay("pm_card_visa", {}, { stripeAccount: id }))).toMatchObject({ statusCode: 400 });
    const unknown = { type: "StripePermissionError", statusCode: 403, code: "account_invalid" };
    expect(await failure(pay("pm_card_visa", {}, { stripeAccount: "acct_nobody" }))).toMatchObject(unknown);
    expect(await failure(stripe.accounts.retrieve("acct_nobody"))).toMatchObject(unknown);
  });
});

describe("deauthorisation", () => {
  test.for(["the merchant's click", "OAuth"] as const)("by %s ends all at once", async (way) => {
    const { id } = await connected();
    const paid = await pay("pm_card_visa", {}, { stripeAccount: id });
    await calm();
    if (way === "OAuth") await stripe.oauth.deauthorize({ client_id: "ca_1", stripe_user_id: id });
    else standIn.deauthorize(id);
    for (const call of [
      stripe.paymentIntents.retrieve(paid.id, {}, { stripeAccount: id }),
      stripe.paymentIntents.create(cardPayment("pm_card_visa"), { stripeAccount: id }),
      stripe.accounts.retrieve(id),
    ])
      expect(await failure(call)).toMatchObject({ statusCode: 403, code: "account_invalid" });
    await calm();
    const event = JSON.parse(delivered.at(-1)?.body ?? "{}");
    expect(event).toMatchObject({
      type: "account.application.deauthorized",
      account: id,
      data: { object: { object: "application" } },
    });
    expect(delivered.at(-1)?.path).toBe("/connect");
  });

  test("of an account that is not connected is refused in OAuth's words", async () => {
    const error = await failure(stripe.oauth.deauthorize({ client_id: "ca_1", stripe_user_id: "acct_1" }));
    expect(error).toMatchObject({ type: "StripeInvalidClientError", statusCode: 401 });
  });
});

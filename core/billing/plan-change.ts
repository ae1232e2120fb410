import type Stripe from "stripe";
import * as z from "zod";
import { Interval, plans, SoldPlan } from "../entitlement/index.js";
import { Instant, toUtc } from "../kernel/clock.js";
import { conflict, invalidField } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { GivenMoney, Money } from "../kernel/money.js";
import { faultSideOf, instantOf, secondsOf } from "../stripe/index.js";
import { requireSubscription, toAgreed, updateSubscription } from "./agreement.js";
import { afterCommitAtStripe, idempotencyKeyOf, withIdempotencyKey } from "./call.js";
import { moneyOf } from "./invoice.js";
import { dropPendingChange, findPendingChange } from "./pending-change.js";
import { findOrCreatePrice, type Offer, offerOf } from "./price.js";
import { itemOf } from "./stripe-subscription.js";

const offer = { plan: SoldPlan, interval: Interval };
const ProrationDate = Instant.meta({
  description:
    "The instant from which the new plan is charged, taken from a preview of the last hour; precise to the second",
  examples: ["2026-11-23T12:00:00Z"],
});
const asPreviewed = "From a preview: the change is refused with the new figures when it would cost something else";
export const ChangePreview = z.strictObject(offer);
export const PlanChange = z.strictObject({
  ...offer,
  prorationDate: ProrationDate.optional(),
  price: GivenMoney.optional().meta({ description: asPreviewed }),
  total: GivenMoney.optional().meta({ description: asPreviewed }),
  amountDue: GivenMoney.optional().meta({ description: asPreviewed }),
});
type Shown = Pick<z.output<typeof PlanChange>, "price" | "total" | "amountDue">;

export const ChangePreviewed = z
  .object({
    ...offer,
    prorationDate: z.string(),
    price: Money.meta({ description: "The price of the plan, for each interval" }),
    lines: z.array(
      z.object({ description: z.string(), amount: Money, periodStart: z.string(), periodEnd: z.string() }),
    ),
    total: Money.meta({ description: "A negative total is credited to the next invoices" }),
    amountDue: Money.meta({ description: "The amount that is charged now" }),
  })
  .meta({
    id: "PlanChangePreview",
    description: "Send `prorationDate`, `price`, `total` and `amountDue` with the change to be charged exactly this",
  });

/** Stripe invoices each change at once and subtracts the paid time that is not used (proration). */
const proration_behavior = "always_invoice" as const;
/** Seconds for which a preview may be used: an earlier date would credit time that was used. */
const PREVIEW_VALID = 3_600;
const seconds = (instant: string) => secondsOf(toUtc(instant));
const isOffer = (one: Offer, { plan, interval }: Offer) => one.plan === plan && one.interval === interval;

/** Asks Stripe for the invoice of a change, as of an instant or now; nothing changes. */
async function previewInvoice(stripe: Stripe, subscription: Stripe.Subscription, price: string, at?: number) {
  const items = [{ id: itemOf(subscription).id, price }];
  const params = {
    subscription: subscription.id,
    subscription_details: { items, proration_behavior, ...(at !== undefined && { proration_date: at }) },
  } satisfies Stripe.InvoiceCreatePreviewParams;
  return withIdempotencyKey(idempotencyKeyOf("preview", params), (options) =>
    stripe.invoices.createPreview(params, options),
  );
}

function figuresOf({ plan, interval }: Offer, invoice: Stripe.Invoice) {
  const at = invoice.parent?.subscription_details?.subscription_proration_date ?? invoice.created;
  const money = (amount: number) => moneyOf(amount, invoice.currency);
  return {
    prorationDate: instantOf(at),
    price: plans[plan].prices[interval],
    total: money(invoice.total),
    amountDue: money(invoice.amount_due),
  };
}

/**
 * Calculates the cost of a change of plan now, line by line, and the instant that the proration counts from.
 * @throws Failure conflict `billing.test_mode` or `billing.not_subscribed`
 */
export const previewChange = fn(ChangePreview, (wanted) =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    const invoice = await previewInvoice(stripe, subscription, await findOrCreatePrice(stripe, wanted));
    const money = (amount: number) => moneyOf(amount, invoice.currency);
    const lines = invoice.lines.data.map(({ description, amount, period }) => ({
      description: description ?? "",
      amount: money(amount),
      periodStart: instantOf(period.start),
      periodEnd: instantOf(period.end),
    }));
    return { ...wanted, ...figuresOf(wanted, invoice), lines };
  }),
);

/** @throws Failure invalid for a date that Stripe would refuse, or that would move money between the plans */
function checkPeriod(subscription: Stripe.Subscription, at: number): void {
  const { current_period_start: start, current_period_end: end } = itemOf(subscription);
  if (at >= start && at <= end) return;
  const period = `${instantOf(start)} to ${instantOf(end)}`;
  throw invalidField("/prorationDate", `must be in the current period, ${period}; take it from a preview`);
}

/** @param now Stripe's time, in Unix seconds */
function checkAge(at: number, now: number): void {
  if (at > now) throw invalidField("/prorationDate", "must not be in the future; take it from a preview");
  if (at < now - PREVIEW_VALID)
    throw invalidField("/prorationDate", "must not be older than an hour; take it from a new preview");
}

const isSame = (shown: Money | undefined, now: Money) =>
  shown === undefined || (shown.amount === now.amount && shown.currency === now.currency);

/**
 * Compares a change with what its author saw.
 * @throws Failure invalid for a date that does not fit, conflict `billing.amount_changed` with the new figures
 */
async function checkShown(
  { stripe, subscription, price }: { stripe: Stripe; subscription: Stripe.Subscription; price: string },
  wanted: Offer,
  shown: Shown,
  at: number | undefined,
): Promise<void> {
  if (at !== undefined) checkPeriod(subscription, at);
  if (at === undefined && !shown.price && !shown.total && !shown.amountDue) return;
  const invoice = await previewInvoice(stripe, subscription, price, at);
  if (at !== undefined && subscription.status === "active") checkAge(at, invoice.created);
  const { price: asked, total, amountDue } = figuresOf(wanted, invoice);
  if (isSame(shown.price, asked) && isSame(shown.total, total) && isSame(shown.amountDue, amountDue)) return;
  const data = figuresOf(wanted, at === undefined ? invoice : await previewInvoice(stripe, subscription, price));
  throw conflict(
    "billing.amount_changed",
    "The change would cost another amount than the preview showed. Confirm the new figures, and send them.",
    { data },
  );
}

/**
 * Changes the plan at once, to a higher or a lower one: Stripe charges the difference now, or credits it to the next
 * invoices. A payment that is declined changes nothing. When the bank asks the payer, the present plan stays until the
 * payer has confirmed the payment on Stripe's page; the same request again answers with the same page.
 * @throws Failure conflict `billing.test_mode`, `billing.not_subscribed`, `billing.payment_owed`,
 * `billing.payment_declined` or `billing.amount_changed`
 */
export const changePlan = fn(PlanChange, ({ plan, interval, prorationDate, ...shown }) =>
  afterCommitAtStripe(async () => {
    const wanted = { plan, interval };
    const { stripe, subscription } = await requireSubscription();
    const waiting = await findPendingChange(stripe, subscription);
    if (waiting && isOffer(waiting, wanted)) return toAgreed(stripe, subscription, waiting);
    if (waiting) await dropPendingChange(stripe, subscription);
    if (isOffer(offerOf(itemOf(subscription).price), wanted)) return toAgreed(stripe, subscription);
    if (subscription.status !== "active" && subscription.status !== "trialing")
      throw conflict("billing.payment_owed", "An invoice is unpaid. Pay it before changing the plan.");
    const price = await findOrCreatePrice(stripe, wanted);
    const at = prorationDate === undefined ? undefined : seconds(prorationDate);
    await checkShown({ stripe, subscription, price }, wanted, shown, at);
    const changed = await sendChange(stripe, subscription, {
      items: [{ id: itemOf(subscription).id, price }],
      proration_behavior,
      ...(at !== undefined && { proration_date: at }),
    });
    return agreeOrDecline(stripe, changed);
  }),
);

/**
 * Sends a change that takes place only with its payment. When the bank asks the payer, Stripe is asked to keep the change
 * in mind until the invoice is paid, which it can do for cards only.
 */
async function sendChange(stripe: Stripe, subscription: Stripe.Subscription, params: Stripe.SubscriptionUpdateParams) {
  const send = (payment_behavior: Stripe.SubscriptionUpdateParams.PaymentBehavior) =>
    updateSubscription(stripe, subscription, { ...params, payment_behavior });
  try {
    return await send("error_if_incomplete");
  } catch (error) {
    if (faultSideOf(error) !== "payer") throw error;
    return send("pending_if_incomplete");
  }
}

/** @throws Failure conflict `billing.payment_declined` when the card was declined; the change is dropped */
async function agreeOrDecline(stripe: Stripe, subscription: Stripe.Subscription) {
  const pending = await findPendingChange(stripe, subscription);
  if (pending?.declined == null) return toAgreed(stripe, subscription, pending);
  await dropPendingChange(stripe, subscription);
  throw conflict(
    "billing.payment_declined",
    "The payment was declined, and the plan has not changed. Add another card and retry.",
    { data: { reason: pending.declined } },
  );
}

/**
 * Drops a change that waits for the payer's confirmation; does nothing when none does.
 * @throws Failure conflict `billing.test_mode` or `billing.not_subscribed`
 */
export const dropChange = fn(z.void(), () =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    await dropPendingChange(stripe, subscription);
    return undefined;
  }),
);

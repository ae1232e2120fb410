import type Stripe from "stripe";
import { z } from "zod";
import { refundFee } from "../connect/fee.js";
import { moneyText } from "../engine/amount.js";
import { type Action, type Call, type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { flag, integer, listing, merge, metadata, nothing, oneOf, text } from "../engine/shape.js";
import { move } from "./balance.js";
import { behaviour } from "./payment-method.js";

type Refund = Stripe.Refund;
type Charge = Stripe.Charge;

const create = z.strictObject({
  amount: integer.optional(),
  charge: text.optional(),
  payment_intent: text.optional(),
  metadata: metadata.optional(),
  reason: oneOf("duplicate", "fraudulent", "requested_by_customer").optional(),
  refund_application_fee: flag.optional(),
});
type Create = z.output<typeof create>;

function newRefund(charge: Charge, amount: number, fields: Partial<Refund>, store: Store): Refund {
  return {
    id: store.id(charge.payment_method_details?.card ? "re" : "pyr"),
    object: "refund",
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: store.now,
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: "succeeded",
    transfer_reversal: null,
    ...fields,
  };
}

const takenBack = (charge: Charge, amount: number) => {
  const amount_refunded = charge.amount_refunded + amount;
  return { amount_refunded, refunded: amount_refunded === charge.amount };
};

/** Voids uncaptured money, which Stripe shows as a refund without a balance transaction. */
export function release(charge: Charge, amount: number, reason: Refund["reason"], store: Store) {
  const refund = store.put(newRefund(charge, amount, { reason }, store), "refund.created");
  store.change(charge, takenBack(charge, amount), "charge.refunded");
  return refund;
}

/** The captured amount of a charge less its refunds; failed refunds do not count. */
const refundable = (charge: Charge, store: Store) =>
  store
    .by("refund", "charge", charge.id)
    .filter(({ status, balance_transaction }) => balance_transaction && status !== "failed" && status !== "canceled")
    .reduce((left, { amount }) => left - amount, charge.amount_captured);

function chargeOf({ charge, payment_intent }: Create, store: Store): Charge {
  if (charge && payment_intent) throw refused("You may only specify one of these parameters: charge, payment_intent.");
  if (charge) return store.get("charge", charge, "charge");
  if (!payment_intent)
    throw refused("One of the following params should be provided for this request: payment_intent or charge.");
  const intent = store.get("payment_intent", payment_intent, "payment_intent");
  const found = store.find("charge", typeof intent.latest_charge === "string" ? intent.latest_charge : undefined);
  if (found && found.status !== "failed") return found;
  throw refused(`This PaymentIntent (${payment_intent}) does not have a successful charge to refund.`);
}

function checkRefund(charge: Charge, amount: number, left: number) {
  const { id, currency } = charge;
  if (charge.status === "pending")
    throw refused(`Charge ${id} is still pending and cannot be refunded yet.`, { code: "charge_not_refundable" });
  if (!charge.captured || charge.status !== "succeeded")
    throw refused(`Charge ${id} has not been captured. Cancel its PaymentIntent to let the money go.`, {
      code: "charge_not_refundable",
    });
  if (charge.disputed)
    throw refused(`Charge ${id} has been charged back; cannot issue a refund.`, { code: "charge_disputed" });
  if (left === 0) throw refused(`Charge ${id} has already been refunded.`, { code: "charge_already_refunded" });
  if (amount < 1) throw refused("Invalid positive integer", { code: "parameter_invalid_integer", param: "amount" });
  if (amount > left)
    throw refused(
      `Refund amount (${moneyText(amount, currency)}) is greater than unrefunded amount on charge (${moneyText(left, currency)})`,
      { param: "amount" },
    );
}

function refund({ params }: Call<Create>, store: Store): Refund {
  const charge = chargeOf(params, store);
  const left = refundable(charge, store);
  const amount = params.amount ?? left;
  checkRefund(charge, amount, left);
  if (params.refund_application_fee && !charge.application_fee)
    throw refused("Attempting to refund_application_fee on a charge without one.", { param: "refund_application_fee" });
  const method = store.find("payment_method", charge.payment_method);
  const fate = method && behaviour(method);
  const pending = fate?.refund === "pending" || fate?.delay !== undefined;
  const fresh = newRefund(charge, amount, {}, store);
  const movement = move(
    { type: "refund", category: "refund", amount: -amount, currency: charge.currency, source: fresh.id },
    store,
  );
  const made = store.put(
    {
      ...fresh,
      balance_transaction: movement.id,
      ...(charge.payment_method_details?.card && { destination_details: { card: { type: "refund" }, type: "card" } }),
      metadata: params.metadata ?? {},
      ...(pending && { pending_reason: "processing" as const }),
      reason: params.reason ?? null,
      status: pending ? "pending" : "succeeded",
    } as Refund,
    "refund.created",
  );
  if (params.refund_application_fee) refundFee(charge, amount, store);
  store.change(charge, takenBack(charge, amount), "charge.refunded");
  if (pending) store.later(store.now + 60, "refund.succeeds", made.id);
  if (fate?.refund === "fails") store.later(store.now + 60, "refund.fails", made.id);
  return made;
}

function tell(refund: Refund, patch: Partial<Refund>, store: Store): Refund {
  const next = store.change(refund, patch, "refund.updated");
  store.emit("charge.refund.updated", next);
  return next;
}

/** A failed refund: the bank returned the money, which goes back to the balance. */
function fail(refund: Refund, store: Store): Refund {
  const charge = store.get("charge", String(refund.charge));
  const { amount, currency, id } = refund;
  const movement = move({ type: "refund_failure", category: "refund_failure", amount, currency, source: id }, store);
  store.change(charge, takenBack(charge, -amount));
  const patch: Partial<Refund> = {
    failure_balance_transaction: movement.id,
    failure_reason: "lost_or_stolen_card",
    status: "failed",
  };
  const next = tell(refund, patch, store);
  store.emit("refund.failed", next);
  return next;
}

const failNow: Action = ({ refund, account }, platform) => {
  const store = platform.in(typeof account === "string" ? account : undefined);
  const found = store.get("refund", String(refund));
  if (found.status === "failed") throw refused("This refund has failed already.");
  return fail(found, store);
};

const of = (id: string, store: Store) => store.get("refund", id);

export const refunds: Module = {
  kinds: [{ type: "refund", prefix: ["re", "pyr"], index: ["charge", "payment_intent"] }],
  routes: [
    route("POST", "/v1/refunds", create, refund),
    route("GET", "/v1/refunds/:id", nothing, ({ path }, store) => of(path.id ?? "", store)),
    route("POST", "/v1/refunds/:id", z.strictObject({ metadata: metadata.optional() }), ({ path, params }, store) => {
      const found = of(path.id ?? "", store);
      return store.change(found, { metadata: merge(found.metadata ?? {}, params.metadata) }, "refund.updated");
    }),
    route(
      "GET",
      "/v1/refunds",
      z.strictObject({ ...listing, charge: text.optional(), payment_intent: text.optional() }),
      ({ params: { charge, payment_intent, ...params } }, store) =>
        store.page("refund", params, { charge, payment_intent }),
    ),
  ],
  timers: {
    "refund.succeeds"(store, id) {
      const found = of(id, store);
      if (found.status !== "pending") return;
      const { pending_reason: _, ...rest } = found;
      tell(rest, { status: "succeeded" }, store);
    },
    "refund.fails"(store, id) {
      const found = of(id, store);
      if (found.status === "succeeded") fail(found, store);
    },
  },
  actions: { fail_refund: failNow },
};

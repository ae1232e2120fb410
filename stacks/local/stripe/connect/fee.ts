import type Stripe from "stripe";
import { z } from "zod";
import { type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { integer, listing, metadata, nothing, text } from "../engine/shape.js";
import { move } from "../payment/balance.js";

/** Refunds a part of an application fee to the connected account. @throws Failure for more than is left */
function giveBack(fee: Stripe.ApplicationFee, amount: number, data: Record<string, string>, store: Store) {
  const left = fee.amount - fee.amount_refunded;
  if (left === 0)
    throw refused(`Application fee ${fee.id} has already been refunded.`, { code: "charge_already_refunded" });
  if (amount > left || amount < 1)
    throw refused("Refund amount is greater than the amount of the application fee that is left.", { param: "amount" });
  const { currency } = fee;
  const id = store.id("fr");
  const movement = move(
    { type: "application_fee_refund", category: "platform_earning_refund", amount: -amount, currency, source: id },
    store,
  );
  const account = store.in(String(fee.account));
  move({ type: "application_fee_refund", category: "platform_earning_refund", amount, currency, source: id }, account);
  const refund = store.put<Stripe.FeeRefund>({
    id,
    object: "fee_refund",
    amount,
    balance_transaction: movement.id,
    created: store.now,
    currency,
    fee: fee.id,
    metadata: data,
  });
  const amount_refunded = fee.amount_refunded + amount;
  const data_ = [refund, ...fee.refunds.data];
  const patch = { amount_refunded, refunded: amount_refunded === fee.amount, refunds: { ...fee.refunds, data: data_ } };
  store.change(fee, patch, "application_fee.refunded");
  return refund;
}

/** `refund_application_fee`: the fee goes back in proportion to the refunded part of the charge. */
export function refundFee(charge: Stripe.Charge, amount: number, store: Store) {
  const platform = store.in(undefined);
  const fee = platform.get("application_fee", String(charge.application_fee));
  const share = Math.round((fee.amount * amount) / charge.amount_captured);
  const rest = Math.min(share, fee.amount - fee.amount_refunded);
  if (rest > 0) giveBack(fee, rest, {}, platform);
}

export const applicationFees: Module = {
  kinds: [{ type: "application_fee", prefix: "fee", index: ["charge"] }],
  routes: [
    route("GET", "/v1/application_fees/:id", nothing, ({ path }, store) => store.get("application_fee", path.id)),
    route(
      "GET",
      "/v1/application_fees",
      z.strictObject({ ...listing, charge: text.optional() }),
      ({ params: { charge, ...params } }, store) => store.page("application_fee", params, { charge }),
    ),
    route(
      "POST",
      "/v1/application_fees/:id/refunds",
      z.strictObject({ amount: integer.optional(), metadata: metadata.optional() }),
      ({ path, params }, store) => {
        const fee = store.get("application_fee", path.id);
        return giveBack(fee, params.amount ?? fee.amount - fee.amount_refunded, params.metadata ?? {}, store);
      },
    ),
  ],
};

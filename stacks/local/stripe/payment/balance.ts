import type Stripe from "stripe";
import { z } from "zod";
import { type Module, route, type Store } from "../engine/engine.js";
import { listing, nothing, text } from "../engine/shape.js";

/** Stripe's fee for European cards; tests read the amount from the transaction. */
export const stripeFee = (amount: number) => Math.round(amount * 0.015) + 25;

interface Movement {
  readonly type: Stripe.BalanceTransaction.Type;
  readonly category: string;
  /** Minor units; negative for outgoing money. */
  readonly amount: number;
  readonly currency: string;
  /** Id of the charge, refund, dispute or fee. */
  readonly source: string;
  readonly fees?: readonly { type: string; amount: number }[];
  readonly description?: string | null;
}

const descriptions: Record<string, string> = {
  stripe_fee: "Stripe processing fees",
  application_fee: "stoa application fee",
};

/** Adds a balance transaction: gross amount, fees and net amount. */
export function move({ type, category, amount, currency, source, fees = [], description }: Movement, store: Store) {
  const fee = fees.reduce((sum, one) => sum + one.amount, 0);
  const fee_details = fees
    .filter((one) => one.amount !== 0)
    .map((one) => ({
      amount: one.amount,
      application: one.type === "application_fee" ? application : null,
      currency,
      description: descriptions[one.type] ?? null,
      type: one.type,
    }));
  const transaction: Stripe.BalanceTransaction = {
    id: store.id("txn"),
    object: "balance_transaction",
    amount,
    available_on: store.now + 2 * 86_400,
    balance_type: "payments",
    created: store.now,
    currency,
    description: description ?? null,
    exchange_rate: null,
    fee,
    fee_details,
    net: amount - fee,
    reporting_category: category,
    source,
    status: "pending",
    type,
  };
  return store.put(transaction);
}

/** Id of the platform's Connect application. */
export const application = "ca_StoaStandIn00000000000000000000";

const balance: Pick<Module, "kinds" | "routes"> = {
  kinds: [{ type: "balance_transaction", prefix: "txn", index: ["source", "type"] }],
  routes: [
    route("GET", "/v1/balance_transactions/:id", nothing, ({ path }, store) => onTime(path.id, store)),
    route(
      "GET",
      "/v1/balance_transactions",
      z.strictObject({
        ...listing,
        currency: text.optional(),
        source: text.optional(),
        type: text.optional(),
      }),
      ({ params: { currency, source, type, ...params } }, store) => {
        const list = store.page("balance_transaction", params, { source, type, currency });
        return { ...list, data: list.data.map((one) => available(one, store)) };
      },
    ),
  ],
};

export { balance };

/** A pending transaction becomes available when its time has come. */
const available = (one: Stripe.BalanceTransaction, { now }: Store) =>
  one.available_on <= now ? { ...one, status: "available" } : one;
const onTime = (id: string | undefined, store: Store) => available(store.get("balance_transaction", id), store);

import { type Entry, type LedgerAccount, Posting } from "../ledger/index.js";
import { isPlaced, type OrderState } from "./order-status.js";
import type { KnownOrder, KnownPayment, NewEvent } from "./state.js";

/** The facts of payments that the ledger records. */
export const paymentLedgerKinds = [
  "payment.captured",
  "payment.fee",
  "payment.refunded",
  "payment.refund_failed",
] as const;

/** Besides `processor:` with the name of each provider. */
export const paymentLedgerAccounts: readonly LedgerAccount[] = [
  { code: "refunds", name: "Refunds of open and completed orders, without tax", side: "debit" },
  { code: "platform_fees", name: "Fees of the platform", side: "debit" },
];

/** A transaction of the ledger, still without the reference of the fact that it records. */
export interface LedgerPosting {
  kind: (typeof paymentLedgerKinds)[number];
  entries: readonly Entry[];
}

/** The facts, besides a payment's events, that the postings of the events depend on. */
interface Context {
  /** The payment before the events. */
  payment: KnownPayment;
  /** Whether it counts for its order afterwards. */
  accepted: boolean;
  order: KnownOrder & OrderState;
  /** References of the refunds that had succeeded before. */
  succeeded: ReadonlySet<string | null>;
}

/** The ledger's side of the events of a payment; undefined for those that move no money, in the order of the events. */
export function postingsOf(context: Context, events: readonly NewEvent[]): (LedgerPosting | undefined)[] {
  const { payment, accepted, order, succeeded } = context;
  const { currency, provider } = payment;
  let { refunded } = payment;
  // A refund of a placed order takes back a part of the sale; otherwise it returns money that was owed to the shopper.
  const sale = () => (accepted && isPlaced(order) ? { ...order, refunded } : null);
  return events.map(({ type, amount, reference }) => {
    const moved = { provider, currency, amount };
    if (type === "captured") return { kind: "payment.captured", entries: Posting.captureEntries(moved) };
    if (type === "refunded") {
      const entries = Posting.refundEntries({ ...moved, sale: sale() });
      refunded += amount;
      return { kind: "payment.refunded", entries };
    }
    if (type !== "refund_failed" || !succeeded.has(reference)) return undefined;
    refunded -= amount;
    return {
      kind: "payment.refund_failed",
      entries: Posting.reverseEntries(Posting.refundEntries({ ...moved, sale: sale() })),
    };
  });
}

/** The posting of a change in the platform's net fee: taken less returned. Undefined when the fee is unchanged. */
export function feePosting(before: KnownPayment, after: KnownPayment): LedgerPosting | undefined {
  const { provider, currency } = after;
  const kept = ({ feeTaken, feeReturned }: KnownPayment) => feeTaken - feeReturned;
  const amount = kept(after) - kept(before);
  return amount === 0
    ? undefined
    : { kind: "payment.fee", entries: Posting.platformFeeEntries({ provider, currency, amount }) };
}

import type { Stripe } from "stripe";
import type { Currency, Money } from "../kernel/money.js";
import { fromStripe, instantOf } from "../stripe/index.js";

/** Statuses of a closed dispute: Stripe expects no further step (https://docs.stripe.com/api/disputes/object). */
const closed = ["won", "lost", "warning_closed", "prevented"];

/** Money that moved at the provider because of a dispute: taken is positive, given back negative. Our minor units. */
interface BalanceMovement {
  /** The id of the provider's balance transaction. */
  id: string;
  amount: number;
  fee: Money;
}

/** A dispute as Stripe reports it, in our terms. */
export interface DisputeSnapshot {
  status: string;
  reason: string;
  amount: number;
  currency: Currency;
  evidenceDueAt: string | null;
  openedAt: string;
  closed: boolean;
  withheld: number;
  moves: readonly BalanceMovement[];
}

export function snapshotOf(dispute: Stripe.Dispute): DisputeSnapshot {
  const { amount, currency } = fromStripe(dispute.amount, dispute.currency);
  const moves = dispute.balance_transactions.map((moved) => moveOf(moved, { amount, currency }));
  const { due_by: due } = dispute.evidence_details;
  return {
    status: dispute.status,
    reason: dispute.reason,
    amount,
    currency,
    evidenceDueAt: due ? instantOf(due) : null, // 0 where no answer is allowed
    openedAt: instantOf(dispute.created),
    closed: closed.includes(dispute.status),
    withheld: moves.reduce((sum, move) => sum + move.amount, 0),
    moves,
  };
}

/**
 * The ledger keeps the provider's money in the currency of the payment. An account that is settled in another currency
 * is charged the disputed amount at a rate of the provider's, so that the disputed amount is recorded instead of the
 * charged one. The fee is in the currency of the account.
 */
function moveOf({ id, amount, fee, currency }: Stripe.BalanceTransaction, disputed: Money): BalanceMovement {
  const own = fromStripe(amount, currency);
  const given = own.currency === disputed.currency ? own.amount : Math.sign(amount) * disputed.amount;
  return { id, amount: -given, fee: fromStripe(fee, currency) };
}

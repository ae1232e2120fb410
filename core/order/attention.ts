import type { Order } from "./order.sql.js";

/** The reasons why the staff should review an order, the gravest first. */
export const attentionCodes = [
  "payment_lost",
  "dispute_opened",
  "dispute_lost",
  "refund_failed",
  "capture_failed",
  "void_failed",
  "money_returned",
  "payments_declined",
] as const;
export type AttentionCode = (typeof attentionCodes)[number];

/** One reason, with the object that it is about. */
export interface Concern {
  /** One of `attentionCodes`, or the code of a plugin. */
  code: string;
  /** The id of the payment, refund or dispute, or of the order itself. */
  reference: string;
  /** Minor units, where the reason is about an amount. */
  amount?: number;
}

/** The two columns of an order: all reasons, and the code of the gravest one. */
export type AttentionState = Pick<Order, "attention" | "concerns">;

const rankOf = ({ code }: Concern): number => {
  const rank = (attentionCodes as readonly string[]).indexOf(code);
  return rank < 0 ? attentionCodes.length : rank;
};

const stateOf = (concerns: readonly Concern[]): AttentionState => ({
  attention: concerns.toSorted((a, b) => rankOf(a) - rankOf(b))[0]?.code ?? null,
  concerns: [...concerns],
});

/** All reasons of an order. A code that is in no reason was written by a release that knew codes only. */
export function concernsOf({ attention, concerns }: AttentionState): Concern[] {
  const isListed = attention === null || concerns.some(({ code }) => code === attention);
  return isListed ? concerns : [...concerns, { code: attention, reference: attention }];
}

/** Whether an order has a reason with this code. */
export const hasConcern = (state: AttentionState, code: AttentionCode): boolean =>
  concernsOf(state).some((one) => one.code === code);

/** The reasons that money is awaited for: an order that is cancelled awaits none. */
const mootCodes: readonly string[] = ["payment_lost", "capture_failed", "payments_declined"] satisfies AttentionCode[];

/**
 * Removes the reasons that end with the order's cancellation. Reasons about money that is owed stay: a failed refund, a dispute,
 * and the codes of plugins.
 */
export const clearMoot = (state: AttentionState): AttentionState =>
  clearAttention(state, ({ code }) => mootCodes.includes(code));

const isSame = (a: Concern, b: Concern) => a.code === b.code && a.reference === b.reference;

/** Adds reasons; one that the order has already changes nothing. */
export function raiseAttention(state: AttentionState, raised: readonly Concern[]): AttentionState {
  const before = concernsOf(state);
  const fresh = raised.filter((one, at) => ![...before, ...raised.slice(0, at)].some((known) => isSame(known, one)));
  return fresh.length === 0 ? state : stateOf([...before, ...fresh]);
}

/** Removes the reasons that an act has answered. */
export function clearAttention(state: AttentionState, isAnswered: (one: Concern) => boolean): AttentionState {
  const before = concernsOf(state);
  const left = before.filter((one) => !isAnswered(one));
  return left.length === before.length ? state : stateOf(left);
}

import type { EventType } from "../kernel/event/index.js";
import { type AttentionState, clearAttention, raiseAttention } from "../order/index.js";
import { awaitsEvidence } from "./deadline.js";
import type { disputeTable } from "./dispute.sql.js";
import {
  DisputeClosed,
  DisputeFundsReinstated,
  DisputeFundsWithdrawn,
  DisputeOpened,
  DisputeReopened,
  DisputeUpdated,
} from "./event.js";

type DisputeRow = typeof disputeTable.$inferSelect;

interface FactKind {
  event: EventType;
  /** The reason that is added to those of the order, because the staff has to act. */
  raises?: "dispute_opened" | "dispute_lost";
  /** The reasons about the same dispute that are gone with this fact. */
  answers?: readonly ("dispute_opened" | "dispute_lost")[];
}

/** The facts about disputes that an order's history tells; the facts about payments are in `paymentFactKinds`. */
export const disputeFactKinds = {
  dispute_opened: { event: DisputeOpened, raises: "dispute_opened" },
  dispute_reopened: { event: DisputeReopened, raises: "dispute_opened" },
  dispute_updated: { event: DisputeUpdated },
  dispute_answered: { event: DisputeUpdated, answers: ["dispute_opened"] },
  dispute_won: { event: DisputeClosed, answers: ["dispute_opened", "dispute_lost"] },
  dispute_lost: { event: DisputeClosed, answers: ["dispute_opened"], raises: "dispute_lost" },
  dispute_closed: { event: DisputeClosed, answers: ["dispute_opened"] },
  dispute_funds_withdrawn: { event: DisputeFundsWithdrawn },
  dispute_funds_reinstated: { event: DisputeFundsReinstated },
} as const satisfies Record<string, FactKind>;
type DisputeFactType = keyof typeof disputeFactKinds;

/** One thing that happened to a dispute. */
export interface DisputeFact {
  type: DisputeFactType;
  /** Minor units: what is disputed, or what has moved. */
  amount: number;
}

/** The facts between two states of a dispute, in the order of the history. */
export function factsOf(before: DisputeRow | undefined, now: DisputeRow): DisputeFact[] {
  const moved = now.withheld - (before?.withheld ?? 0);
  const types = [beginning(before, now), step(before, now)].filter((type) => type !== undefined);
  const facts: DisputeFact[] = types.map((type) => ({ type, amount: now.amount }));
  if (moved > 0) facts.push({ type: "dispute_funds_withdrawn", amount: moved });
  if (moved < 0) facts.push({ type: "dispute_funds_reinstated", amount: -moved });
  return facts;
}

function beginning(before: DisputeRow | undefined, now: DisputeRow): DisputeFactType | undefined {
  if (!before) return "dispute_opened";
  return before.closedAt !== null && now.closedAt === null ? "dispute_reopened" : undefined;
}

function step(before: DisputeRow | undefined, now: DisputeRow): DisputeFactType | undefined {
  const isNews = before?.status !== now.status;
  if (now.closedAt !== null && isNews)
    return now.status === "won" ? "dispute_won" : now.status === "lost" ? "dispute_lost" : "dispute_closed";
  if (!before || before.closedAt !== null) return undefined;
  if (isNews) return awaitsEvidence(now) ? "dispute_updated" : "dispute_answered";
  const isSame = (["reason", "amount", "currency", "evidenceDueAt"] as const).every(
    (name) => before[name] === now[name],
  );
  return isSame ? undefined : "dispute_updated";
}

/** An order's reasons for attention after a fact about a dispute. */
export function attentionAfter(
  state: AttentionState,
  disputeId: string,
  { type, amount }: DisputeFact,
): AttentionState {
  const { raises, answers = [] }: FactKind = disputeFactKinds[type];
  const isAnswered = (code: string) => (answers as readonly string[]).includes(code);
  const cleared = clearAttention(state, ({ code, reference }) => reference === disputeId && isAnswered(code));
  return raises ? raiseAttention(cleared, [{ code: raises, reference: disputeId, amount }]) : cleared;
}

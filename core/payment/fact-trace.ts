import type * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { type EventType, emit } from "../kernel/event/index.js";
import type { Currency } from "../kernel/money.js";
import {
  type AttentionState,
  type Concern,
  clearAttention,
  type NewEntry,
  Order,
  raiseAttention,
} from "../order/index.js";
import { type Fact, kindOf } from "./fact.js";

interface About {
  orderId: string;
  currency: Currency;
}

/** The entry of a fact in the order's timeline. */
export function entryOf({ type, paymentId, amount, data, actor }: Fact, currency: Currency): NewEntry {
  const told = { paymentId, amount: { amount, currency }, ...data };
  return { type, data: told, ...(actor && { actor }) };
}

/** The event of a fact; the event of a placed order is emitted with its status. */
export function emitFact({ type, paymentId, amount, data }: Fact, { orderId, currency }: About): void {
  if (type === "placed") return;
  const event = kindOf(type).event as EventType<z.ZodObject>;
  emit(event, { ...data, paymentId, orderId, amount: { amount, currency } });
}

/** Writes facts that change no other column of the order: version, entries and events. */
export function writeFacts(tx: Tx, about: About, facts: readonly Fact[]): void {
  Order.updateProgress(tx, about.orderId, {});
  traceFacts(tx, about, facts);
}

/** Writes the entries and events of facts, in a transaction that moves the order's version. */
export function traceFacts(tx: Tx, about: About, facts: readonly Fact[]): void {
  Order.addToTimeline(
    tx,
    about.orderId,
    facts.map((fact) => entryOf(fact, about.currency)),
  );
  for (const fact of facts) emitFact(fact, about);
}

/**
 * An order's reasons for attention after the facts of one report. Answers count first: a refund that was made before
 * another one failed does not make up for it, and one report does not say which came first.
 */
export function attentionAfter<State extends AttentionState>(before: State, facts: readonly Fact[]): State {
  let state: AttentionState = before;
  for (const fact of facts) state = afterAnswer(state, fact);
  for (const { type, amount, subject, isAnswered } of facts) {
    const { raises } = kindOf(type);
    if (raises && !isAnswered) state = raiseAttention(state, [{ code: raises, reference: subject, amount }]);
  }
  const { attention, concerns } = state;
  return { ...before, attention, concerns };
}

/** A refund makes up for those that failed, the oldest first, as far as its amount reaches. */
function afterAnswer(state: AttentionState, { type, paymentId, amount }: Fact): AttentionState {
  const { answers = [] } = kindOf(type);
  let left = amount;
  return clearAttention(state, (one) => {
    if (!answers.some((code) => code === one.code)) return false;
    if (one.code !== "refund_failed") return isAbout(one, paymentId);
    const { amount: owed = 0 } = one;
    if (owed > left) return false;
    left -= owed;
    return true;
  });
}

/** A reason that an earlier release has written is about the order. */
const isAbout = ({ code, reference }: Concern, paymentId: string) => reference === paymentId || reference === code;

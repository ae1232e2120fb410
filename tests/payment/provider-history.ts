import fc from "fast-check";
import type { RefundState, Snapshot } from "../../core/payment/provider.js";
import { snapshot } from "./known.js";

/** What a shopper, a bank or the merchant does to a payment at its provider. */
export type Step =
  | { type: "decline" | "challenge" | "process" | "authorize" | "void" | "expire" }
  | { type: "capture"; share: number }
  | { type: "refund"; share: number; pending: boolean }
  | { type: "settle" | "fail"; which: number };

export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constantFrom("decline", "challenge", "process", "authorize", "void", "expire") }),
  fc.record({ type: fc.constant("capture" as const), share: fc.double({ min: 0.1, max: 1, noNaN: true }) }),
  fc.record({
    type: fc.constant("refund" as const),
    share: fc.double({ min: 0.1, max: 1, noNaN: true }),
    pending: fc.boolean(),
  }),
  fc.record({ type: fc.constantFrom("settle", "fail"), which: fc.nat(3) }),
) as fc.Arbitrary<Step>;

/** A provider's own record of a payment: it refuses what a provider refuses. */
export class ProviderPayment {
  #now: Snapshot;

  constructor(
    readonly id: string,
    amount: number,
  ) {
    this.#now = snapshot({ reference: `pi_${id}`, amount });
  }

  get snapshot(): Snapshot {
    return structuredClone(this.#now);
  }

  take(made: Step): void {
    const { status, amount, authorized, captured, refunds, failures } = this.#now;
    const isOver = status === "voided" || status === "expired";
    const isOpen = !isOver && authorized === 0;
    const change = (more: Partial<Snapshot>) => Object.assign(this.#now, more);
    const reference = `${this.id}.${failures.length + refunds.length + 1}`;
    if (made.type === "decline" && isOpen)
      change({ status: "waiting", failures: [...failures, { reference, code: "card_declined", message: "" }] });
    if (made.type === "challenge" && isOpen) change({ status: "action_required" });
    if (made.type === "process" && isOpen) change({ status: "processing" });
    if (made.type === "authorize" && isOpen) change({ status: "authorized", authorized: amount });
    if ((made.type === "void" || made.type === "expire") && !isOver && captured === 0)
      change({ status: made.type === "void" ? "voided" : "expired" });
    if (made.type === "capture" && !isOver && authorized > captured) {
      const sum = Math.min(authorized, captured + Math.ceil(made.share * authorized));
      change({ status: sum === authorized ? "captured" : "authorized", captured: sum, fee: Math.floor(sum / 50) });
    }
    if (made.type === "refund") {
      const left = captured - refunds.reduce((all, one) => all + (one.status === "failed" ? 0 : one.amount), 0);
      const part = Math.floor(made.share * left);
      const state = made.pending ? "pending" : "succeeded";
      if (part > 0) change({ refunds: [...refunds, { reference, amount: part, status: state, operationId: null }] });
    }
    if (made.type === "settle") this.#move(made.which, "succeeded", ["pending"]);
    if (made.type === "fail") this.#move(made.which, "failed", ["pending", "succeeded"]);
  }

  #move(which: number, status: RefundState["status"], from: readonly RefundState["status"][]) {
    const refunds = this.#now.refunds.map((one, at) =>
      at === which && from.includes(one.status) ? { ...one, status } : one,
    );
    Object.assign(this.#now, { refunds });
  }
}

/** All snapshots of a history, from before its first step on. */
export function historyOf(id: string, amount: number, steps: readonly Step[]): Snapshot[] {
  const provider = new ProviderPayment(id, amount);
  const first = provider.snapshot;
  const rest = steps.map((made) => {
    provider.take(made);
    return provider.snapshot;
  });
  return [first, ...rest];
}

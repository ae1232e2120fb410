import * as z from "zod";
import type { Currency } from "../kernel/money.js";
import { Registry } from "../kernel/registry.js";

/** What a provider is told of an attempt. Amounts are minor units; it was committed before anybody is called. */
export interface Attempt {
  /** Made with the order, never changes: the idempotency key of what opens it. */
  id: string;
  orderId: string;
  amount: number;
  currency: Currency;
  method: string | null;
  /** The merchant's account at the provider, and the mode of the key that reaches it. */
  account: string | null;
  livemode: boolean | null;
  /** The platform's share. */
  fee: number;
  /** What was taken of it as far as we know. */
  captured: number;
  /** What the provider calls it, once it is open. */
  reference: string | null;
  session: string | null;
  createdAt: string;
  /** Where the shopper's browser goes afterwards, when the provider has pages of its own. */
  returnUrl: string | null;
  email: string | null;
  description: string;
}

/** Something that is wanted of a payment; its id is the idempotency key of the call. */
export interface Operation {
  id: string;
  kind: "capture" | "refund" | "void";
  amount: number;
  /** No more of it will be captured: what is left of the authorisation goes back. */
  final: boolean;
  createdAt: string;
}

/** What the shopper does next. */
export const Action = z
  .looseObject({ type: z.string() })
  .nullable()
  .meta({ description: "The shopper's next step: `confirm_payment_intent` or `redirect`; null when none is needed" });
export type Action = z.infer<typeof Action>;

export interface Opened {
  reference: string | null;
  session: string | null;
  action: Action;
  /** Seconds from now after which nobody can pay it any more; the sweep closes it at the provider. */
  expiresIn: number;
}

/**
 * All that a provider knows of a payment at one moment. Sums only ever grow, so that an older snapshot, applied late,
 * changes nothing.
 */
export interface Snapshot {
  reference: string | null;
  status: "waiting" | "action_required" | "processing" | "authorized" | "captured" | "voided" | "expired";
  amount: number;
  currency: string;
  /** Promised, taken for good: minor units in all. */
  authorized: number;
  captured: number;
  /** Attempts that were refused, by the provider's id of each. */
  failures: readonly { reference: string; code: string; message: string }[];
  refunds: readonly Refunded[];
  /** Captures that we asked for and that were made, by the operation's id: the sum does not say which. */
  captures: readonly string[];
  /** What the platform keeps of what was captured. */
  fee: number;
  /** What it has given back of that with refunds: in all, like every sum here. */
  feeReturned?: number;
}
export interface Refunded {
  reference: string;
  amount: number;
  status: "pending" | "succeeded" | "failed";
  /** Ours, when we asked for it; money that was sent back in the provider's own pages has none. */
  operationId: string | null;
}

/** `pending`: the provider will say later. `failed`: it never will happen, and why. */
export type Outcome =
  | { status: "succeeded" | "pending"; reference: string | null }
  | { status: "failed"; code: string; message: string };

/**
 * One way to pay. Nothing of it runs inside of a transaction: the intent is committed first, and the result afterwards.
 * Whatever it cannot find out (a timeout, a cut connection, an outage) it throws as OutcomeUnknown, and guesses nothing.
 */
export interface Provider {
  /** Permanent: rows and the ledger's accounts carry it. */
  readonly name: string;
  /** Opens an attempt, or says again how it was opened. @throws Failure conflict when the provider refuses it for good */
  open(attempt: Attempt): Promise<Opened>;
  /** Undefined while the provider does not know the attempt. */
  snapshot(attempt: Attempt): Promise<Snapshot | undefined>;
  /** Does what is wanted, or finds that it was done before. */
  operate(attempt: Attempt, operation: Operation): Promise<Outcome>;
  /** Ends an attempt that nobody has paid; does nothing to one that somebody has. */
  close(attempt: Attempt): Promise<void>;
}

/** The providers of all modules. */
export const paymentProviders = new Registry<Provider>("payment provider", ({ name }) => name);

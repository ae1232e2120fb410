import * as z from "zod";
import type { Currency } from "../money.js";

/**
 * What a provider is told of a payment, in minor units. The id is made with the order, never changes, and is the
 * idempotency key of every call, so that asking again has no second effect.
 */
export interface Asked {
  id: string;
  amount: number;
  currency: Currency;
}

/** What the shopper does next. */
export const Action = z
  .looseObject({ type: z.string() })
  .nullable()
  .meta({ description: "What the shopper does next; null when there is nothing to do" });
export type Action = z.infer<typeof Action>;

/**
 * One way to pay. No transaction is open while a provider talks to the outside: the intent is committed first, and the
 * result afterwards. Only `manual`, which calls nobody, may answer inside of one.
 */
export interface Provider {
  /** Opens the payment of an order, or says again how it was opened. */
  open(payment: Asked): Promise<Action>;
  /** Takes a part of the amount, or all of it. Answers what is worth keeping of it. */
  capture(payment: Asked, amount: number): Promise<Record<string, unknown>>;
}

import * as z from "zod";
import type { Failure } from "../kernel/error.js";
import { type Currency, Money } from "../kernel/money.js";
import { Registry } from "../kernel/registry.js";
import type { ChargeableAccount } from "../payment-account/index.js";

/** A way to pay, as far as a cart must know it: every payment provider is one. */
export interface PaymentGate {
  readonly name: string;
  /**
   * The refusal of an amount that is known before a cart is bound to it, by the same rule by which the payment is
   * prepared; undefined when there is none.
   */
  refusalOf?(due: { amount: number; currency: Currency }, account: ChargeableAccount | null): Failure | undefined;
}

/** The ways to pay of all modules. */
export const paymentGates = new Registry<PaymentGate>("payment gate", ({ name }) => name);

export const PaymentRefusal = z
  .object({
    provider: z.string(),
    code: z.string().meta({ examples: ["payment.amount_too_small"] }),
    least: Money.optional(),
    most: z.int().optional().meta({ description: "Minor units" }),
    step: z.int().optional().meta({ description: "Minor units, of which the amount must be a multiple" }),
  })
  .meta({ id: "PaymentRefusal" });
type PaymentRefusal = z.input<typeof PaymentRefusal>;

/** The providers that would refuse to take an amount; an amount of 0 needs none. */
export function paymentRefusals(
  due: { amount: number; currency: Currency },
  account: ChargeableAccount | null,
): PaymentRefusal[] {
  if (due.amount === 0) return [];
  return paymentGates.all().flatMap(({ name, refusalOf }) => {
    const refusal = refusalOf?.(due, account);
    return refusal ? [{ provider: name, code: refusal.code, ...refusal.extra.data }] : [];
  });
}

import type Stripe from "stripe";
import { withRetry } from "../stripe/index.js";
import { withIdempotencyKey } from "./call.js";

/**
 * The name of the configuration. A change of the features needs a new name, because a known configuration is reused.
 */
const NAME = "stoa-1";

const features: Stripe.BillingPortal.ConfigurationCreateParams.Features = {
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true },
  customer_update: { enabled: true, allowed_updates: ["name", "email", "address", "phone", "tax_id"] },
  subscription_cancel: { enabled: true, mode: "at_period_end" },
};

/** Finds or creates the configuration of Stripe's customer portal: an account at Stripe has none to begin with. */
export async function portalConfiguration(stripe: Stripe): Promise<string> {
  const { data } = await withRetry(() => stripe.billingPortal.configurations.list({ active: true, limit: 100 }));
  const known = data.find(({ metadata }) => metadata?.name === NAME);
  if (known) return known.id;
  const params = { features, metadata: { name: NAME } };
  return (
    await withIdempotencyKey(`portal/${NAME}`, (options) => stripe.billingPortal.configurations.create(params, options))
  ).id;
}

import type Stripe from "stripe";
import { withRetry } from "../stripe/index.js";
import { idempotencyKeyOf, withIdempotencyKey } from "./call.js";

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

/**
 * Finds or creates the configuration of Stripe's customer portal: an account at Stripe has none to begin with. One that
 * was deactivated is activated again.
 */
export async function portalConfiguration(stripe: Stripe): Promise<string> {
  const { data } = await withRetry(() => stripe.billingPortal.configurations.list({ limit: 100 }));
  const known = data.filter(({ metadata }) => metadata?.name === NAME);
  const usable = known.find(({ active }) => active);
  if (usable) return usable.id;
  const [inactive] = known;
  if (inactive) {
    const params = { active: true, features };
    await withIdempotencyKey(idempotencyKeyOf("portal configuration", inactive.id), (options) =>
      stripe.billingPortal.configurations.update(inactive.id, params, options),
    );
    return inactive.id;
  }
  const params = { features, metadata: { name: NAME } };
  return (
    await withIdempotencyKey(`portal/${NAME}`, (options) => stripe.billingPortal.configurations.create(params, options))
  ).id;
}

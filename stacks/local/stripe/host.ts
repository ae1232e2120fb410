import { join } from "node:path";
import type { Config } from "../../../core/kernel/config.js";
import { stripeTypes } from "../../../core/stripe/event.js";
import "../../../functions/modules/index.js";
import { onPort } from "../aws/endpoints.js";
import type { Clock } from "../lambda/clock.js";
import { derive, type Secrets } from "../secrets.js";
import { type StripeStandIn, startStripe } from "./server.js";

/** A real Stripe account, in place of the stand-in; several secrets are separated by commas. */
export interface StripeAccount {
  readonly secretKey: string;
  readonly publishableKey: string;
  /** Signing secrets of `stripe listen`; without them every event is refused. */
  readonly webhookSecrets?: string | undefined;
  readonly connectWebhookSecrets?: string | undefined;
}

/** The functions' variables for Stripe. */
export type StripeSettings = Pick<
  Config,
  "STRIPE_SECRET_KEY" | "STRIPE_PUBLISHABLE_KEY" | "STRIPE_WEBHOOK_SECRETS" | "STRIPE_CONNECT_WEBHOOK_SECRETS"
> & { readonly STRIPE_API_BASE?: string };

export interface StripeHost {
  /** None with a real Stripe account. */
  readonly standIn: StripeStandIn | undefined;
  readonly settings: StripeSettings;
}

interface Options {
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** URL of the webhook function. */
  readonly webhookUrl: string;
  readonly account?: StripeAccount | undefined;
  readonly port?: number | undefined;
  /** Folder of the stand-in's journal, for the next start. */
  readonly dir?: string | undefined;
}

/** Letters and digits, as in Stripe's keys and secrets. */
const derived = (secrets: Secrets, purpose: string) =>
  Buffer.from(derive(secrets, `stripe ${purpose}`), "base64url").toString("hex");

/** The functions' settings for the stand-in, the same at each start in one data folder. */
export const localSettings = (secrets: Secrets, url?: string): StripeSettings => ({
  STRIPE_SECRET_KEY: `sk_test_${derived(secrets, "secret key")}`,
  STRIPE_PUBLISHABLE_KEY: `pk_test_${derived(secrets, "publishable key")}`,
  STRIPE_WEBHOOK_SECRETS: `whsec_${derived(secrets, "platform")}`,
  STRIPE_CONNECT_WEBHOOK_SECRETS: `whsec_${derived(secrets, "connect")}`,
  ...(url && { STRIPE_API_BASE: url }),
});

function accountSettings(account: StripeAccount, secrets: Secrets): StripeSettings {
  const { secretKey, publishableKey, webhookSecrets, connectWebhookSecrets = webhookSecrets } = account;
  const nobody = localSettings(secrets);
  return {
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_PUBLISHABLE_KEY: publishableKey,
    STRIPE_WEBHOOK_SECRETS: webhookSecrets ?? nobody.STRIPE_WEBHOOK_SECRETS,
    STRIPE_CONNECT_WEBHOOK_SECRETS: connectWebhookSecrets ?? nobody.STRIPE_CONNECT_WEBHOOK_SECRETS,
  };
}

/** Starts the stand-in with its two webhook endpoints, unless a real Stripe account is given. */
export async function startStripeHost({
  clock,
  secrets,
  webhookUrl,
  account,
  port,
  dir,
}: Options): Promise<StripeHost> {
  if (account) return { standIn: undefined, settings: accountSettings(account, secrets) };
  const settings = localSettings(secrets);
  const endpoint = (path: "platform" | "connect", text: string) => ({
    url: `${webhookUrl}/${path}`,
    secrets: text.split(","),
    connect: path === "connect",
    events: stripeTypes(path),
  });
  const standIn = await onPort(port, (free) =>
    startStripe({
      clock,
      port: free,
      secretKey: settings.STRIPE_SECRET_KEY,
      publishableKey: settings.STRIPE_PUBLISHABLE_KEY,
      endpoints: [
        endpoint("platform", settings.STRIPE_WEBHOOK_SECRETS),
        endpoint("connect", settings.STRIPE_CONNECT_WEBHOOK_SECRETS),
      ],
      ...(dir !== undefined && { file: join(dir, "stripe.jsonl") }),
    }),
  );
  return { standIn, settings: localSettings(secrets, standIn.url) };
}

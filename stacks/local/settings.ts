import { needs, type Variable } from "../../core/kernel/config.js";
import type { FunctionName } from "../topology.js";
import { busName, type Endpoints } from "./aws/endpoints.js";
import type { Secrets } from "./secrets.js";
import type { StripeSettings } from "./stripe/host.js";

export interface Sources {
  readonly url: string;
  /** The superuser's connection string of the application's database. */
  readonly adminUrl: string;
  readonly bridgePort: number;
  readonly secrets: Secrets;
  readonly endpoints: Endpoints;
  readonly stripe: StripeSettings;
}

/** The connection string of `adminUrl` for another role. */
export function databaseUrl(adminUrl: string, username: string, password: string): string {
  return Object.assign(new URL(adminUrl), { username, password }).href;
}

/** Variables of a function: those of core/kernel/config.ts, as on AWS, and those of this host. */
export function environmentOf(name: FunctionName, sources: Sources): Record<string, string> {
  const { url, adminUrl, bridgePort, secrets, endpoints, stripe } = sources;
  const { STRIPE_API_BASE, ...stripeValues } = stripe;
  const queueUrl = (queue: string) => endpoints.queues.get(queue)?.url ?? "";
  const values: Record<(typeof needs)[FunctionName][number], string> = {
    STAGE: "local",
    DATABASE_URL: databaseUrl(adminUrl, "stoa_app", secrets.appPassword),
    RELAY_DATABASE_URL: databaseUrl(adminUrl, "stoa_relay", secrets.relayPassword),
    MIGRATE_DATABASE_URL: adminUrl,
    NUDGE_QUEUE_URL: queueUrl("nudge"),
    JOBS_QUEUE_URL: queueUrl("jobs"),
    BUS_NAME: busName,
    TOKEN_KEYS: secrets.tokenKeys,
    DATA_KEY: secrets.dataKey,
    PUBLIC_URL: url,
    MAIL_FROM: "shop@stoa.example",
    MAIL_PROVIDER: "local",
    ...stripeValues,
  };
  const wanted: readonly Variable[] = needs[name];
  const only: Partial<Record<Variable, string>> = {
    NEON_PROXY: `127.0.0.1:${bridgePort}`,
    ...(wanted.includes("MAIL_PROVIDER") ? { MAILBOX_URL: `${url}/_local/mail` } : {}),
    ...(wanted.includes("STRIPE_SECRET_KEY") && STRIPE_API_BASE ? { STRIPE_API_BASE } : {}),
    ...(name === "api" ? { VALIDATE_RESPONSES: "on" } : {}),
  };
  return {
    ...Object.fromEntries(needs[name].map((variable) => [variable, values[variable]])),
    ...only,
    AWS_ENDPOINT_URL_SQS: endpoints.sqsUrl,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.eventBridgeUrl,
  };
}

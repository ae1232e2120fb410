import { randomBytes } from "node:crypto";
import Stripe from "stripe";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import type { Host } from "../../stacks/local/host.js";
import type { Body } from "./client.js";

/** Ids as Stripe's look: `evt_` and 24 characters. */
export const stripeId = (prefix: string) => `${prefix}_${randomBytes(12).toString("hex")}`;
export const now = () => Math.floor(Date.now() / 1000);

type Json = Record<string, unknown>;

/** An event as Stripe would send it: of a payment on a connected account, unless told. */
export const eventOf = (more: Json & { object?: Json } = {}): Json & { id: string } => {
  const { object, ...rest } = more;
  return {
    id: stripeId("evt"),
    object: "event",
    account: stripeId("acct"),
    api_version: "2026-10-28.endive",
    created: now(),
    data: { object: { id: stripeId("pi"), object: "payment_intent", amount: 1000, metadata: {}, ...object } },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: "payment_intent.succeeded",
    ...rest,
  };
};

/** As Stripe writes its bodies. */
export const textOf = (event: object) => JSON.stringify(event, null, 2);

/** The header that Stripe's own library makes. */
export const signed = (payload: string, secret: string, timestamp = now()) =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
/** The signature in it, without its name. */
export const macOf = (payload: string, secret: string, timestamp = now()) =>
  signed(payload, secret, timestamp).split("v1=")[1] ?? "";

/** The first signing secret of each endpoint. */
export function secretsOf(host: Host) {
  const env = host.env("stripe");
  const first = (name: string) => env[name]?.split(",")[0] ?? "";
  return { platform: first("STRIPE_WEBHOOK_SECRETS"), connect: first("STRIPE_CONNECT_WEBHOOK_SECRETS") };
}

type Endpoint = "platform" | "connect";
interface Post {
  readonly endpoint?: Endpoint;
  readonly header?: string | undefined;
  readonly type?: string;
}

/** Posts a body to the URL of the webhooks, without a signature unless there is one. */
export async function post(host: Host, body: string | Buffer, { endpoint = "connect", header, type }: Post = {}) {
  const response = await fetch(`${host.webhookUrl}/${endpoint}`, {
    method: "POST",
    headers: {
      "content-type": type ?? "application/json; charset=utf-8",
      ...(header !== undefined && { "stripe-signature": header }),
    },
    body: body as never,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: (text ? JSON.parse(text) : null) as Body };
}

/** Delivers an event as Stripe does; what became of it. */
export async function deliver(host: Host, event: object, endpoint: Endpoint = "connect") {
  const text = textOf(event);
  return post(host, text, { endpoint, header: signed(text, secretsOf(host)[endpoint]) });
}

/** Makes an account the tenant's own, as connecting it does. The tenant by TypeID or UUID. */
export async function connectAccount(host: Host, tenantId: string, account = stripeId("acct"), livemode = false) {
  await host.admin.query(
    `insert into payment_account (tenant_id, id, provider, account, livemode, status) values ($1, uuidv7(), 'stripe', $2, $3, 'active')`,
    [tenantId.startsWith("ten_") ? typeIdToUuid("ten", tenantId) : tenantId, account, livemode],
  );
  return account;
}

/** What is kept of an event, with its tenant as the API names it. */
export async function stored(host: Host, eventId: string) {
  const [row] = await host.admin.query(
    `select endpoint, account, state, reason, tenant_id::text as tenant from platform.stripe_event where event_id = $1`,
    [eventId],
  );
  return row;
}

/** The jobs that an event has become, in any tenant. */
export const jobsOf = (host: Host, eventId: string) =>
  host.admin.query(
    `select tenant_id::text as tenant, status, attempts, payload, request_id as "requestId" from job
      where name = 'stripe.event' and payload ->> 'id' = $1`,
    [eventId],
  ) as Promise<Body[]>;

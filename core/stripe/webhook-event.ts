import * as z from "zod";
import { context } from "../kernel/actor.js";
import { queryPlatform } from "../kernel/db.js";
import { malformed } from "../kernel/error.js";
import { type StripeEndpoint, type StripeEvent, stripeTypes } from "./event.js";

/** Stripe's ids, including old ones that merchants chose themselves: no spaces, only characters that a log can show. */
const reference = z.string().regex(/^[\x21-\x7e]{1,255}$/);

const Envelope = z.object({
  id: z.string().regex(/^evt_\w{1,250}$/),
  object: z.literal("event"),
  type: z.string().regex(/^[a-z0-9_.]{1,100}$/),
  created: z.int().positive(),
  livemode: z.boolean(),
  account: z
    .string()
    .regex(/^acct_\w{1,250}$/)
    .nullish(),
});

/** An id, or the expanded object that replaces it. */
const named = z
  .union([reference, z.object({ id: reference }).transform(({ id }) => id)])
  .nullish()
  .catch(undefined);

const Subject = z.object({
  data: z.object({
    object: z.object({
      id: reference,
      object: z.string(),
      payment_intent: named,
      customer: named,
      charge: named,
      subscription: named,
      // The subscription of an invoice, since API version 2025-03-31.
      parent: z
        .object({ subscription_details: z.object({ subscription: named }).nullish() })
        .nullish()
        .catch(undefined),
    }),
  }),
});

function relatedOf({ id, object, ...names }: z.output<typeof Subject>["data"]["object"]): StripeEvent["related"] {
  const { payment_intent: paymentIntent, charge } = names;
  const customer = object === "customer" ? id : names.customer;
  const subscription = names.subscription ?? names.parent?.subscription_details?.subscription;
  return {
    ...(paymentIntent && { paymentIntent }),
    ...(charge && { charge }),
    ...(customer && { customer }),
    ...(subscription && { subscription }),
  };
}

/** An event whose signature shows that Stripe sent it. */
export interface WebhookEvent {
  readonly id: string;
  readonly type: string;
  readonly endpoint: StripeEndpoint;
  /** Unix seconds. */
  readonly created: number;
  readonly livemode: boolean;
  /** Undefined when no handler is interested in events of its type. */
  readonly event?: StripeEvent;
}

function parseOrRefuse<Schema extends z.ZodType>(schema: Schema, value: unknown, about?: object): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw malformed("stripe_event.malformed", "The body is not an event of Stripe's API v1.", { data: { ...about } });
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** @throws Failure malformed, with the id and type as far as they can be read */
export function parseEvent(body: Uint8Array, endpoint: StripeEndpoint): WebhookEvent {
  const json = jsonOf(body);
  const { object: _, account = null, ...envelope } = parseOrRefuse(Envelope, json);
  const { id, type, created, livemode } = envelope;
  const incoming = { id, type, endpoint, created, livemode };
  if (!stripeTypes(endpoint).includes(type)) return incoming;
  const { object } = parseOrRefuse(Subject, json, { eventId: id, type }).data;
  return { ...incoming, event: { ...envelope, endpoint, account, objectId: object.id, related: relatedOf(object) } };
}

export interface StoreResult {
  /** `duplicate`: the event was stored before, and no row changed. `quarantined`: no known tenant owns the event. */
  readonly outcome: "queued" | "duplicate" | "quarantined";
  readonly reason: string | null;
}

/**
 * Stores an event and makes the job of its tenant, found by account or customer and never by metadata: one statement.
 * @throws Failure unavailable, with no event stored, when the database cannot be reached
 */
export async function storeEvent(event: StripeEvent): Promise<StoreResult> {
  const [rows = []] = await queryPlatform(["receive_stripe_event", JSON.stringify(event), context().requestId]);
  return rows[0] as StoreResult;
}

import type Stripe from "stripe";
import * as z from "zod";
import { defineJob } from "../kernel/job/index.js";
import { Registry } from "../kernel/registry.js";

/** Where Stripe sends events of the platform's own objects, and those of connected accounts. */
export type StripeEndpoint = "platform" | "connect";

const reference = z.string().min(1).max(255);

/** A reference to an object at Stripe. The event's own copy of the object is never used: the object is fetched. */
export const StripeEvent = z.object({
  id: reference,
  type: z.string().max(100),
  endpoint: z.enum(["platform", "connect"]),
  /** The connected account whose object it is; null for the platform's own. */
  account: reference.nullable(),
  livemode: z.boolean(),
  /** The id of the object that the event is about. */
  objectId: reference,
  /** Unix seconds. */
  created: z.int(),
  /** The ids of other objects that the object refers to. */
  related: z.object({
    paymentIntent: reference.optional(),
    customer: reference.optional(),
    subscription: reference.optional(),
    charge: reference.optional(),
  }),
});
export type StripeEvent = z.output<typeof StripeEvent>;

/**
 * Handles a change at Stripe, as the system of the tenant that the account or customer belongs to, outside of any
 * transaction. Events come at least once and in any order, so the handler fetches the object and acts on its present
 * state.
 */
export interface StripeHandler {
  readonly name: string;
  readonly endpoint: StripeEndpoint;
  readonly types: readonly Stripe.Event["type"][];
  run(event: StripeEvent): Promise<unknown>;
}

/** The handlers of all modules. Events of other types are acknowledged and not stored. */
export const stripeHandlers = new Registry<StripeHandler>("handler of Stripe's events", ({ name }) => name);

/** The types that are acted on: an endpoint at Stripe is subscribed to these. */
export const stripeTypes = (of: StripeEndpoint): string[] => [
  ...new Set(stripeHandlers.all().flatMap(({ endpoint, types }) => (endpoint === of ? types : []))),
];

/** The job that an event from Stripe becomes; `platform.receive_stripe_event` makes it under this name. */
export const stripeEventJob = defineJob("stripe.event", StripeEvent);

/** @throws the error of the first handler that failed, after the others have run: the job is tried again */
export async function handleStripeEvent(event: StripeEvent, handlers = stripeHandlers.all()): Promise<void> {
  const interested = handlers.filter(
    ({ endpoint, types }) => endpoint === event.endpoint && types.some((type) => type === event.type),
  );
  if (interested.length === 0) throw new Error(`No handler for ${event.type} of the ${event.endpoint} endpoint.`);
  const failures: unknown[] = [];
  for (const handler of interested) await handler.run(event).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

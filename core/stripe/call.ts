import type Stripe from "stripe";
import { conflict, OutcomeUnknown } from "../kernel/error.js";
import { stripeFor, withRetry } from "./client.js";
import { type Refusal, refusalOf } from "./fault.js";

/** The merchant's account as our row has it; no other source ever names an account. */
export interface MerchantAccount {
  account: string | null;
  livemode: boolean | null;
}

/** Where calls for one merchant go. */
export interface StripeAccount {
  readonly stripe: Stripe;
  readonly options: { readonly stripeAccount: string };
}

/** @throws Failure conflict `payment.provider_unavailable` */
export async function connectedAccount({ account, livemode }: MerchantAccount): Promise<StripeAccount> {
  if (!account || livemode === null) {
    throw conflict("payment.provider_unavailable", "The payment has no account at the provider.");
  }
  return { stripe: await stripeFor(livemode), options: { stripeAccount: account } };
}

/** @param idempotencyKey from the immutable id of the requested object, with a suffix where it needs several calls */
export const withIdempotencyKey = ({ options }: StripeAccount, idempotencyKey: string) => ({
  ...options,
  idempotencyKey,
});

/** Stripe forgets keys after 24 hours: a later retry could act twice, so that it only looks for the result. Hours. */
const REMEMBERED = 23;
export const isKeyExpired = (createdAt: string): boolean => Date.now() - Date.parse(createdAt) > REMEMBERED * 3_600_000;

export type CreateOrFindResult<T> = { done: T } | { refusal: Refusal };

/**
 * Makes a call and, when the answer is lost or a refusal, looks for its result all the same: Stripe repeats the first
 * answer to a key, even an internal error, so that repeating the call may never reveal the result.
 * @throws OutcomeUnknown when the result cannot be found out
 */
export async function createOrFind<T>(
  ask: () => Promise<T>,
  find: () => Promise<T | undefined>,
): Promise<CreateOrFindResult<T>> {
  try {
    return { done: await withRetry(ask) };
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal && !(error instanceof OutcomeUnknown)) throw error;
    const done = await find().catch((error: unknown) => {
      if (refusal && refusalOf(error)) return undefined; // a caller without the right to write cannot read
      throw error;
    });
    if (done !== undefined) return { done };
    if (!refusal) throw error;
    return { refusal };
  }
}

/** All objects of a list, the newest first; each page is a call of its own. */
export async function* listAll<T extends { id: string }>(
  list: (page: { limit: number; starting_after?: string }) => Promise<Stripe.ApiList<T>>,
): AsyncGenerator<T, void> {
  for (let after: string | undefined; ; ) {
    const page = { limit: 100, ...(after !== undefined && { starting_after: after }) };
    const { data, has_more } = await withRetry(() => list(page));
    yield* data;
    after = data.at(-1)?.id;
    if (!has_more || after === undefined) return;
  }
}

/** Stripe's seconds since 1970 as an ISO 8601 instant. */
export const instantOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

export const secondsOf = (instant: string): number => Math.floor(Date.parse(instant) / 1000);

export const idOf = (object: string | { id: string } | null | undefined): string | null =>
  typeof object === "string" ? object : (object?.id ?? null);

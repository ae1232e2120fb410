import * as z from "zod";
import { conflict, Failure, OutcomeUnknown } from "../../kernel/error.js";
import { chargeableAccount, chargeRefusal, recheckAccount } from "../../payment-account/index.js";
import {
  connectedAccount,
  faultSideOf,
  refusalOf,
  requestFailureOf,
  type StripeAccount,
  withDeadline,
} from "../../stripe/index.js";
import type { Attempt, RemoteProvider } from "../provider.js";
import { openIntent, openSession } from "./attempt.js";
import { closeAtStripe } from "./cancellation.js";
import { operateAtStripe } from "./operation.js";
import { snapshotOf } from "./snapshot.js";

/** All calls of one request together; an API request has 20 s. Milliseconds. */
const DEADLINE = 12_000;

/**
 * Calls Stripe for an attempt. When Stripe does not let us at the account any more, our row of it is corrected, so that
 * nothing more is charged on it.
 * @throws Failure conflict `payment.provider_unavailable` for an account that is no longer connected, OutcomeUnknown
 */
const atStripe = <T>(attempt: Attempt, run: (place: StripeAccount) => Promise<T>): Promise<T> =>
  withDeadline(DEADLINE, async () => run(await connectedAccount(attempt))).catch(async (error: unknown) => {
    if (faultSideOf(error) !== "account") throw error;
    await recheckAccount(attempt);
    throw conflict("payment.provider_unavailable", "The merchant's payment account is no longer connected.");
  });

/** The failure that ends the opening of an attempt; an outcome that is open stays so. */
const openingFailureOf = (error: unknown) =>
  error instanceof OutcomeUnknown && faultSideOf(error.cause) !== "platform"
    ? error
    : (requestFailureOf("payment", error) ?? error);

/** Reading changes nothing: while Stripe refuses to tell, the state is not known, and is asked for again. */
const unreadable = (error: unknown): never => {
  const refusal = error instanceof Failure ? undefined : refusalOf(error);
  if (!refusal) throw error;
  throw new OutcomeUnknown(`Stripe does not tell the state of the payment: ${refusal.message}`, { cause: error });
};

const input = z
  .object({
    method: z.enum(["payment_intent", "checkout_session"]).optional().meta({
      description:
        "`payment_intent`: confirm on the shop's own page with Stripe Elements. `checkout_session`: redirect to Stripe Checkout. Default: `payment_intent`",
    }),
    returnUrl: z
      .url({ protocol: /^https?$/ })
      .max(1_500)
      .optional()
      .meta({
        description:
          "The page to which Stripe Checkout returns the shopper; required for `checkout_session`. `{ORDER_ID}` and `{PAYMENT_ID}` in it become the ids of the order and of this attempt",
        format: "uri-template", // the braces are none of an address
        examples: ["https://corner-shop.example/thanks?order={ORDER_ID}"],
      }),
  })
  .refine(({ method, returnUrl }) => method !== "checkout_session" || returnUrl !== undefined, {
    path: ["returnUrl"],
    message: "is required for a checkout session",
  });

/** The failure that a function returns or throws: one that a deployment without keys throws is a refusal as well. */
function refusalBy(run: () => Failure | undefined): Failure | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** Stripe, by direct charges on the merchant's own account: their name on the statement, their fees, their disputes. */
export const stripe: RemoteProvider = {
  name: "stripe",
  needsAccount: true,
  synchronous: false,
  capture: "automatic",
  input,
  refusalOf: (due, account) => refusalBy(() => chargeRefusal(account, due)),
  prepareAttempt: async (tx, due, request) => {
    const { method = "payment_intent", returnUrl } = input.parse(request);
    return { ...(await chargeableAccount(tx, due)), method, ...(returnUrl !== undefined && { returnUrl }) };
  },
  open: (attempt) =>
    atStripe(attempt, (place) => {
      const open = attempt.method === "checkout_session" ? openSession : openIntent;
      return open(place, attempt, attempt.capturesManually);
    }).catch((error: unknown) => {
      throw openingFailureOf(error);
    }),
  snapshot: (attempt) => atStripe(attempt, (place) => snapshotOf(place, attempt)).catch(unreadable),
  operate: (attempt, operation) => atStripe(attempt, (place) => operateAtStripe(place, attempt, operation)),
  close: (attempt) => atStripe(attempt, (place) => closeAtStripe(place, attempt)).catch(unreadable),
};

import * as z from "zod";
import { conflict } from "../../kernel/error.js";
import { chargeableAccount } from "../../payment-account/index.js";
import { connectedAccount, refusalOf, withDeadline } from "../../stripe/index.js";
import type { RemoteProvider } from "../provider.js";
import { openIntent, openSession } from "./attempt.js";
import { closeAtStripe } from "./cancellation.js";
import { operateAtStripe } from "./operation.js";
import { snapshotOf } from "./snapshot.js";

/** All calls of one request together; an API request has 20 s. Milliseconds. */
const DEADLINE = 12_000;

/** @throws Failure conflict `payment.provider_unavailable` for an account that is no longer connected, OutcomeUnknown */
const withStripeDeadline = <T>(run: () => Promise<T>): Promise<T> =>
  withDeadline(DEADLINE, run).catch((error: unknown) => {
    if (refusalOf(error)?.code !== "account_invalid") throw error;
    throw conflict("payment.provider_unavailable", "The merchant's payment account is no longer connected.");
  });

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
      .meta({ description: "The page to which Stripe Checkout returns the shopper; required for `checkout_session`" }),
  })
  .refine(({ method, returnUrl }) => method !== "checkout_session" || returnUrl !== undefined, {
    path: ["returnUrl"],
    message: "is required for a checkout session",
  });

/** Stripe, by direct charges on the merchant's own account: their name on the statement, their fees, their disputes. */
export const stripe: RemoteProvider = {
  name: "stripe",
  synchronous: false,
  capture: "automatic",
  input,
  prepareAttempt: async (tx, due, request) => {
    const { method = "payment_intent", returnUrl } = input.parse(request);
    return { ...(await chargeableAccount(tx, due)), method, ...(returnUrl !== undefined && { returnUrl }) };
  },
  open: (attempt) =>
    withStripeDeadline(async () => {
      const open = attempt.method === "checkout_session" ? openSession : openIntent;
      return open(await connectedAccount(attempt), attempt, attempt.capturesManually);
    }),
  snapshot: (attempt) => withStripeDeadline(async () => snapshotOf(await connectedAccount(attempt), attempt)),
  operate: (attempt, operation) =>
    withStripeDeadline(async () => operateAtStripe(await connectedAccount(attempt), attempt, operation)),
  close: (attempt) => withStripeDeadline(async () => closeAtStripe(await connectedAccount(attempt), attempt)),
};

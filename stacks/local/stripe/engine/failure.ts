import type Stripe from "stripe";

type ErrorType =
  | "api_error"
  | "authentication_error"
  | "card_error"
  | "idempotency_error"
  | "invalid_request_error"
  | "permission_error"
  | "rate_limit_error";

export interface ErrorBody {
  readonly type: ErrorType;
  readonly message: string;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  readonly decline_code?: string | undefined;
  readonly advice_code?: string | undefined;
  readonly charge?: string | undefined;
  readonly payment_intent?: Stripe.PaymentIntent | undefined;
  readonly payment_method?: Stripe.PaymentMethod | undefined;
  readonly setup_intent?: Stripe.SetupIntent | undefined;
}

/** An error answer of Stripe. @see https://docs.stripe.com/api/errors */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly headers: Record<string, string> = {},
  ) {
    super(body.message);
  }

  get payload(): object {
    return { error: this.body };
  }
}

interface Detail {
  readonly code?: string;
  readonly param?: string | undefined;
  readonly status?: number;
  readonly payment_intent?: Stripe.PaymentIntent;
  readonly setup_intent?: Stripe.SetupIntent;
}

/** An `invalid_request_error`; 400 by default. */
export const refused = (message: string, { status = 400, ...detail }: Detail = {}) =>
  new Failure(status, { type: "invalid_request_error", message, ...detail });

const names: Record<string, string> = { payment_method: "PaymentMethod", payment_intent: "payment_intent" };

/** `resource_missing`: 404 for an object of the path, 400 for one of a parameter. */
export const missing = (type: string, id: string, param?: string) =>
  refused(`No such ${names[type] ?? type}: '${id}'`, {
    code: "resource_missing",
    param: param ?? (type === "payment_intent" ? "intent" : "id"),
    status: param ? 400 : 404,
  });

export const unknownUrl = (method: string, path: string) =>
  refused(`Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs.`, { status: 404 });

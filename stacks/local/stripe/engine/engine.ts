import type Stripe from "stripe";
import type { z } from "zod";
import type { Raw } from "./form.js";
import { checked } from "./shape.js";

/*
 * A resource is a `Module`: kinds of objects, routes, pages, timers and actions; modules.ts lists them all.
 *
 *   route("POST", "/v1/coupons/:id", z.strictObject({ metadata }), ({ path, params }, store) =>
 *     store.change(store.get("coupon", path.id), { metadata: merge(old, params.metadata) }, "coupon.updated"));
 *
 * - Shapes are strict zod objects over the strings of a form (shape.ts has `integer`, `flag`, `metadata`, `currency`, …):
 *   an unknown parameter is refused, as Stripe refuses it. `expand` is removed before the shape.
 * - A run is synchronous, so requests never overlap. Stored objects stay when a run throws (a declined payment):
 *   it checks first and stores afterwards. Failures are those of failure.ts.
 * - Objects are never changed in place: `put` and `change` store a new one, so events keep the old state.
 * - A store shows the objects of one account; `store.in(id)` is another account's, `store.in(undefined)` the platform's.
 *   Connected accounts themselves are objects of the platform.
 * - Later work goes through `store.later`, which outlives a restart; the timer checks whether it still applies.
 * - Payments are made by `newIntent` (payment/intent.ts), stored with `payment_intent.created`, and `confirmIntent`
 *   (payment/confirmation.ts), which returns the new state or throws a decline after storing it.
 * - Types of objects are those of Stripe's SDK, so the compiler checks a new object against the API version.
 */

/** Types of objects by their `object` field. */
export interface Objects {
  account: Stripe.Account;
  application_fee: Stripe.ApplicationFee;
  balance_transaction: Stripe.BalanceTransaction;
  "billing_portal.configuration": Stripe.BillingPortal.Configuration;
  "billing_portal.session": Stripe.BillingPortal.Session;
  charge: Stripe.Charge;
  "checkout.session": Stripe.Checkout.Session;
  coupon: Stripe.Coupon;
  customer: Stripe.Customer | Stripe.DeletedCustomer;
  dispute: Stripe.Dispute;
  event: Stripe.Event;
  fee_refund: Stripe.FeeRefund;
  invoice: Stripe.Invoice;
  invoice_payment: Stripe.InvoicePayment;
  invoiceitem: Stripe.InvoiceItem;
  payment_intent: Stripe.PaymentIntent;
  payment_method: Stripe.PaymentMethod;
  price: Stripe.Price;
  product: Stripe.Product | Stripe.DeletedProduct;
  refund: Stripe.Refund;
  setup_intent: Stripe.SetupIntent;
  subscription: Stripe.Subscription;
  subscription_item: Stripe.SubscriptionItem;
}
export type Type = keyof Objects;
export type Stored = Objects[Type];

export type EventType = Stripe.Event["type"];

export interface Store {
  /** The account of the objects; none for the platform. */
  readonly account: string | undefined;
  /** Unix seconds of the local clock. */
  readonly now: number;
  readonly livemode: boolean;
  /** Base URL of the pages, without a trailing slash. */
  readonly publicUrl: string;
  in(account: string | undefined): Store;
  /** The decline code for this payment that a test has set, if any. */
  declines(): string | undefined;
  /** `id("re")` is `re_` and 24 characters. */
  id(prefix: string): string;
  /** @throws Failure resource_missing: 404, or 400 when a parameter named the object */
  get<T extends Type>(type: T, id: string | undefined, param?: string): Objects[T];
  find<T extends Type>(type: T, id: string | undefined | null): Objects[T] | undefined;
  /** Stores a new object or the next version of one, and emits `event` about it. */
  put<O extends Stored>(object: O, event?: EventType): O;
  /** Stores `object` with `patch`; `event` carries what it replaced as `previous_attributes`. */
  change<O extends Stored>(object: O, patch: Partial<O>, event?: EventType): O;
  /** Removes an object without a trace; most deletions store `deleted: true` instead. */
  remove(type: Type, id: string): void;
  /** Objects whose indexed field (see `Kind.index`) has this value, oldest first. */
  by<T extends Type>(type: T, field: string, value: string): Objects[T][];
  /** A page of a list, newest first; `where` are equalities, undefined ones apart. */
  page<T extends Type>(type: T, params: ListParams, where?: Where<Objects[T]>): Stripe.ApiList<Objects[T]>;
  emit(type: EventType, object: object, previous?: object): void;
  /** Runs the timer `name` of a module with this store and `id`, at unix seconds `at` of the local clock. */
  later(at: number, name: string, id: string): void;
}

/** A value, or a predicate. */
export type Where<O> = Record<string, string | boolean | undefined | ((object: O) => boolean)>;

export interface ListParams {
  readonly limit?: number | undefined;
  readonly starting_after?: string | undefined;
  readonly ending_before?: string | undefined;
  readonly created?: Range | number | undefined;
}
export type Range = { [Bound in "gt" | "gte" | "lt" | "lte"]?: number | undefined };

export interface Kind {
  readonly type: Type;
  /** Prefix of ids before the underscore, by which an expanded id finds its type. */
  readonly prefix: string | readonly string[];
  /** Indexed fields; only strings are indexed. */
  readonly index?: readonly string[];
  /** Fields that appear only when expanded. */
  readonly include?: Record<string, (object: never, store: Store) => unknown>;
}

export interface Call<Params = unknown> {
  readonly params: Params;
  /** Path parameters by name. */
  readonly path: Record<string, string>;
  readonly credential: "secret" | "publishable";
}

export type Execute = (call: Omit<Call, "params">, store: Store) => object;

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** Also with a publishable key, as in a browser; the run compares the client secret. */
  readonly publishable: boolean;
  /** @throws Failure for invalid parameters, before anything runs */
  readonly check: (raw: Raw) => Execute;
}

export function route<Shape extends z.ZodType>(
  method: Route["method"],
  path: string,
  shape: Shape,
  run: (call: Call<z.output<Shape>>, store: Store) => object,
  { publishable = false } = {},
): Route {
  const check = (raw: Raw): Execute => {
    const params = checked(shape, raw);
    return (call, store) => run({ ...call, params }, store);
  };
  return { method, path, publishable, check };
}

/** A page; `form` are the fields of a POST. Returns HTML or a redirect. */
export interface Page {
  readonly method: "GET" | "POST";
  readonly path: string;
  run(request: PageRequest, store: Store): PageReply;
}
export interface PageRequest {
  readonly path: Record<string, string>;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
}
export type PageReply = { readonly html: string; readonly status?: number } | { readonly redirect: string };

/** An action of tests, by `POST /_control/<name>` or `act(name, input)`; the store is the platform's. */
export type Action = (input: Record<string, unknown>, store: Store) => object;

/** Checkout in mode `subscription` or `setup`. */
export interface CheckoutMode {
  /** Checks the parameters of a new session and returns the mode's fields. */
  open(params: CheckoutParams, store: Store): Partial<Stripe.Checkout.Session>;
  /**
   * The shopper submitted this form and the card was accepted as a payment method: takes the first payment, if any.
   * Answers the session's new fields; `requires_action` of a PaymentIntent or SetupIntent is followed by the page.
   * @throws Failure a decline, which the page shows
   */
  complete(session: Stripe.Checkout.Session, method: Stripe.PaymentMethod, store: Store): CheckoutResult;
}
type CheckoutParams = Stripe.Checkout.SessionCreateParams;
export interface CheckoutResult {
  readonly session: Partial<Stripe.Checkout.Session>;
  /** Id of an intent to authenticate; `complete` is called again afterwards. */
  readonly authenticate?: string;
}

export interface Module {
  readonly kinds?: readonly Kind[];
  readonly routes?: readonly Route[];
  readonly pages?: readonly Page[];
  readonly timers?: Record<string, (store: Store, id: string) => void>;
  readonly actions?: Record<string, Action>;
  readonly checkout?: Partial<Record<"subscription" | "setup", CheckoutMode>>;
}

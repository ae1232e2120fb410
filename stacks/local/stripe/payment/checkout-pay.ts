import type Stripe from "stripe";
import { newCustomer } from "../billing/customer-shape.js";
import type { CheckoutMode, World } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { attempt } from "./attempt.js";
import { checkAbleToCharge, newIntent } from "./intent.js";

type Session = Stripe.Checkout.Session;
type Intent = Stripe.PaymentIntent;
type Method = Stripe.PaymentMethod;

/** Nobody paid in time, or the shop withdrew the session; a PaymentIntent that was begun goes with it. */
export function expire(session: Session, world: World): Session {
  const intent = world.find(
    "payment_intent",
    typeof session.payment_intent === "string" ? session.payment_intent : null,
  );
  if (intent?.status.startsWith("requires_") && intent.status !== "requires_capture") {
    const patch = { canceled_at: world.now, cancellation_reason: "expired", next_action: null, status: "canceled" };
    world.change(intent, patch, "payment_intent.canceled");
  }
  return world.change(session, { status: "expired", url: null }, "checkout.session.expired");
}

export interface Shopper {
  readonly email: string | null;
  readonly name: string | null;
}

const statusOf = (intent: Intent | undefined): Session["payment_status"] =>
  intent === undefined || intent.status === "succeeded" ? "paid" : "unpaid";

/** The session is done; `session.payment_status` tells whether the money is there. */
function complete(session: Session, patch: Partial<Session>, shopper: Shopper, world: World): Session {
  const { email, name } = shopper;
  const customer_details = {
    address: { city: null, country: "DE", line1: null, line2: null, postal_code: null, state: null },
    business_name: null,
    email,
    individual_name: null,
    name,
    phone: null,
    tax_exempt: "none" as const,
    tax_ids: [],
  };
  const done = { customer_details, status: "complete" as const, url: null };
  return world.change(session, { ...done, ...patch }, "checkout.session.completed");
}

function customerFor(session: Session, { email, name }: Shopper, world: World): string | null {
  if (typeof session.customer === "string") return session.customer;
  if (session.customer_creation !== "always") return null;
  const made = newCustomer(world, { ...(email && { email }), ...(name && { name }) });
  return world.put(made, "customer.created").id;
}

/** The PaymentIntent of a session comes with the first attempt to pay, and serves for the next ones too. */
function intentFor(session: Session, shopper: Shopper, world: World): Intent {
  const begun = world.find(
    "payment_intent",
    typeof session.payment_intent === "string" ? session.payment_intent : null,
  );
  if (begun) return begun;
  const { payment_intent_data: data = {}, payment_method_options } = world.get("stand_in.checkout", session.id).params;
  const { metadata, ...told } = data;
  const customer = customerFor(session, shopper, world);
  const options = payment_method_options && {
    payment_method_options: payment_method_options as Intent["payment_method_options"],
  };
  const intent = newIntent(
    {
      amount: session.amount_total ?? 0,
      currency: session.currency ?? "eur",
      customer,
      metadata: metadata ?? {},
      payment_method_types: session.payment_method_types,
      ...(told as Partial<Intent>),
      ...options,
    },
    world,
  );
  world.put(intent, "payment_intent.created");
  world.change(session, { customer, payment_intent: intent.id });
  return intent;
}

export interface Outcome {
  readonly session: Session;
  /** The PaymentIntent or SetupIntent that the bank asks about. */
  readonly authenticate?: string;
}

function finished(session: Session, intent: Intent, shopper: Shopper, world: World): Outcome {
  if (intent.status === "requires_action") return { session, authenticate: intent.id };
  return { session: complete(session, { payment_status: statusOf(intent) }, shopper, world) };
}

/** Mode `payment`. @throws Failure 402 when the bank declines */
export function pay(session: Session, method: Method, shopper: Shopper, returnUrl: string, world: World): Outcome {
  checkAbleToCharge(world);
  if (!session.payment_method_types.includes(method.type)) throw refused(`This session does not take ${method.type}.`);
  const begun = intentFor(session, shopper, world);
  // Kept before the attempt: a decline leaves the session open, with its PaymentIntent.
  const opened = world.get("checkout.session", session.id);
  const intent = attempt(begun, method, { returnUrl }, world);
  return finished(opened, intent, shopper, world);
}

/** Back from the bank: done, or what went wrong. @throws Failure 402 */
export function resume(session: Session, shopper: Shopper, world: World): Outcome {
  const intent = world.get("payment_intent", String(session.payment_intent));
  if (intent.status === "requires_payment_method") {
    const message = intent.last_payment_error?.message ?? "Your card was declined.";
    throw new Failure(402, { type: "card_error", message });
  }
  return finished(session, intent, shopper, world);
}

/** The other modes. @throws Failure 402 */
export function follow(mode: CheckoutMode, session: Session, method: Method, shopper: Shopper, world: World): Outcome {
  const result = mode.complete(session, method, world);
  const current = world.get("checkout.session", session.id);
  if (result.authenticate) return { session: world.change(current, result.session), authenticate: result.authenticate };
  return { session: complete(current, { payment_status: "paid", ...result.session }, shopper, world) };
}

/** What a session says when its payment, authorised or under way until now, has worked or has not. */
export function tellSession(intent: Intent, world: World) {
  const [session] = world.by("checkout.session", "payment_intent", intent.id);
  if (session?.status !== "complete" || session.payment_status === "paid") return;
  const asynchronous = world.find("payment_method", String(session.payment_intent && intent.payment_method));
  const debit = intent.status !== "succeeded" || (asynchronous && asynchronous.type !== "card");
  const paid = { payment_status: "paid" as const };
  if (intent.status === "succeeded")
    world.change(session, paid, debit ? "checkout.session.async_payment_succeeded" : undefined);
  else if (intent.status === "requires_payment_method") world.emit("checkout.session.async_payment_failed", session);
}

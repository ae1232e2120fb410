import type Stripe from "stripe";
import type { z } from "zod";
import { type CheckoutMode, type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { merge } from "../engine/shape.js";
import { checkoutPages } from "../page/checkout.js";
import { linesOf } from "./checkout-line.js";
import { expire } from "./checkout-payment.js";
import { newSession } from "./checkout-session.js";
import * as shape from "./checkout-shape.js";

type Session = Stripe.Checkout.Session;

/** State of a session's page that the API does not show. */
interface Desk {
  readonly id: string;
  readonly object: "stand_in.checkout";
  readonly lines: readonly Stripe.LineItem[];
  readonly params: shape.Create;
  /** The shopper's input, kept during authentication. */
  readonly method?: string;
  readonly email?: string;
  readonly name?: string;
  readonly problem?: string | undefined;
}

declare module "../engine/engine.js" {
  interface Objects {
    "stand_in.checkout": Desk;
  }
}

const listOf = (data: readonly Stripe.LineItem[], id: string) => ({
  object: "list",
  data,
  has_more: false,
  url: `/v1/checkout/sessions/${id}/line_items`,
});
const linesFor = (id: string, store: Store) => listOf(store.find("stand_in.checkout", id)?.lines ?? [], id);

type Modes = Partial<Record<string, CheckoutMode>>;

function createSession(params: shape.Create, modes: Modes, store: Store): Session {
  const lines = linesOf(params, store);
  const session = newSession(params, lines, store);
  const own = modes[params.mode]?.open(params as unknown as Parameters<CheckoutMode["open"]>[0], store);
  store.put<Desk>({ id: session.id, object: "stand_in.checkout", lines, params });
  store.later(session.expires_at, "checkout.expires", session.id);
  return store.put<Session>({ ...session, ...own });
}

function listSessions(params: z.output<typeof shape.list>, store: Store) {
  const { customer, customer_details: who, payment_intent, status, subscription, ...page } = params;
  return store.page("checkout.session", page, {
    payment_intent,
    subscription,
    customer,
    status,
    customer_details: ({ customer_details }) => !who || customer_details?.email === who.email,
  });
}

/** `modes` are `subscription` and `setup`, which the billing module provides. */
export const createCheckout = (modes: Modes): Module => ({
  kinds: [
    {
      type: "checkout.session",
      prefix: ["cs_test", "cs_live"],
      index: ["payment_intent", "customer", "subscription"],
      include: { line_items: ({ id }: Session, store) => linesFor(id, store) },
    },
    { type: "stand_in.checkout", prefix: "stand_in" },
  ],
  routes: [
    route("POST", "/v1/checkout/sessions", shape.create, ({ params }, store) => createSession(params, modes, store)),
    route("GET", "/v1/checkout/sessions", shape.list, ({ params }, store) => listSessions(params, store)),
    route("GET", "/v1/checkout/sessions/:id", shape.create.pick({}), ({ path }, store) =>
      store.get("checkout.session", path.id),
    ),
    route("POST", "/v1/checkout/sessions/:id", shape.update, ({ path, params }, store) => {
      const session = store.get("checkout.session", path.id);
      return store.change(session, { metadata: merge(session.metadata ?? {}, params.metadata) });
    }),
    route("GET", "/v1/checkout/sessions/:id/line_items", shape.lineItemList, ({ path }, store) =>
      linesFor(store.get("checkout.session", path.id).id, store),
    ),
    route("POST", "/v1/checkout/sessions/:id/expire", shape.create.pick({}), ({ path }, store) => {
      const session = store.get("checkout.session", path.id);
      if (session.status !== "open")
        throw refused(
          `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${session.status}\`.`,
        );
      return expire(session, store);
    }),
  ],
  pages: checkoutPages(modes),
  timers: {
    "checkout.expires"(store, id) {
      const session = store.get("checkout.session", id);
      if (session.status === "open") expire(session, store);
    },
  },
});

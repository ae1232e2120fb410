import { getTableColumns, getTableName } from "drizzle-orm";
import { expect, test } from "vitest";
import { rulesOf } from "../drizzle/table.js";
import { modules } from "../functions/modules/index.js";

/**
 * Each state that something can be in has an act of a person that leaves it, or is an end. A state of which only a timer
 * knows the way out keeps a shopper or a merchant waiting, for ever when the timer's work fails.
 */
type Exit =
  /** The operations by which a person leaves it. */
  | readonly `${"POST" | "PATCH" | "PUT" | "DELETE"} /v1/${string}`[]
  /** Nothing follows; why nobody wants to leave it. */
  | { end: string }
  /** A machine leaves it, and nobody waits for it; why. */
  | { machine: string };
type Exits = Record<string, Exit>;

const cancel = ["POST /v1/admin/orders/{id}/cancel"] as const;
const cancelPending = [...cancel, "POST /v1/store/orders/{id}/cancel"] as const;
const product = ["PATCH /v1/admin/products/{id}", "DELETE /v1/admin/products/{id}"] as const;
const account = ["POST /v1/admin/payments/account", "DELETE /v1/admin/payments/account"] as const;
const subscribe = ["POST /v1/billing/checkout", "POST /v1/billing/portal"] as const;

const exits: Record<string, Exits> = {
  "tenant.status": {
    trial: subscribe,
    active: ["POST /v1/billing/cancel"],
    past_due: subscribe,
    suspended: subscribe,
    closing: subscribe,
  },
  "tenant.access": {
    full: { machine: "It follows the status." },
    read_only: subscribe,
    blocked: { machine: "It follows the status, which the operator restores." },
  },
  "product.status": { draft: product, active: product, archived: product },
  "cart.status": {
    open: ["POST /v1/store/carts/{id}/complete", "DELETE /v1/store/carts/{id}/lines/{lineId}"],
    completed: { end: "It is an order, which can be cancelled; then a copy is open." },
  },
  "order.status": {
    pending: [...cancelPending, "POST /v1/store/orders/{id}/payments"],
    open: [...cancel, "POST /v1/admin/orders/{id}/void"],
    completed: { end: "The sale is made." },
    cancelled: { end: "The shopper buys again, with the copy of the cart." },
  },
  "order.paymentStatus": {
    pending: [...cancelPending, "POST /v1/admin/orders/{id}/capture"],
    processing: cancelPending,
    authorized: [...cancel, "POST /v1/admin/orders/{id}/capture", "POST /v1/admin/orders/{id}/void"],
    partially_captured: [...cancel, "POST /v1/admin/orders/{id}/capture"],
    captured: [...cancel, "POST /v1/admin/orders/{id}/refunds"],
    partially_refunded: [...cancel, "POST /v1/admin/orders/{id}/refunds"],
    refunded: { end: "Nothing is left of the money." },
    voided: cancel,
    failed: [...cancelPending, "POST /v1/store/orders/{id}/payments"],
  },
  "order.fulfillmentStatus": {
    unfulfilled: cancel,
    partially_fulfilled: ["POST /v1/admin/orders/{id}/refunds"],
    fulfilled: { end: "The goods have left." },
  },
  "payment_operation.status": {
    pending: { machine: "Its amount is set aside, and its job asks the provider until there is an answer." },
    succeeded: { end: "It is done." },
    failed: ["POST /v1/admin/orders/{id}/capture", "POST /v1/admin/orders/{id}/refunds", ...cancel],
  },
  "payment_account.status": {
    onboarding: [...account, "POST /v1/admin/payments/account/onboarding"],
    active: account,
    restricted: [...account, "POST /v1/admin/payments/account/onboarding"],
    deauthorized: account,
  },
  "member.status": { active: ["DELETE /v1/admin/members/{id}"], removed: ["POST /v1/admin/members"] },
  "incident.status": {
    open: ["POST /v1/admin/incidents/{id}/resolve"],
    resolved: { end: "It opens again by itself when its cause does." },
  },
  "mail.status": {
    sending: { machine: "Its job sends it, and tries again." },
    sent: { end: "It is out." },
    suppressed: { end: "Nobody may be written to; the record says why." },
  },
  "job.status": {
    queued: { machine: "The worker takes it." },
    running: { machine: "Its lease ends, and another worker takes it." },
    succeeded: { end: "It is done." },
    failed: { machine: "Its alarm calls the operator; what it would have done has exits of its own." },
  },
};

/** What ends at an instant that a sweep looks for, and the act that ends it before. */
const deadlines: Exits = {
  reservation: ["DELETE /v1/store/carts/{id}/hold", "POST /v1/store/orders/{id}/cancel"],
  cart: ["POST /v1/store/carts/{id}/complete", "DELETE /v1/store/carts/{id}/lines/{lineId}"],
  payment: cancelPending,

  subscription: ["POST /v1/billing/cancel", "POST /v1/billing/change"],
};
/** Instants at which a machine looks at something or tidies up, and nothing ends that a person waits for. */
const looks = ["event", "refresh_token", "idempotency_key", "usage", "payment_account", "mail"];

const tables = modules.flatMap((module) => module.tables ?? []);
const acts = new Set(
  modules.flatMap((module) => module.routes ?? []).map(({ method, path }) => `${method.toUpperCase()} ${path}`),
);
const isState = (name: string) => /(status|state|access)$/i.test(name);

/** Each column that says a state, with its states, as the tables have them. */
const states = tables.flatMap((table) =>
  Object.entries(getTableColumns(table)).flatMap(([name, { enumValues }]) =>
    isState(name) && enumValues && enumValues.length > 0
      ? [[`${getTableName(table)}.${name}`, [...enumValues].sort()] as const]
      : [],
  ),
);

test("each state of each table has an exit, and no exit is of a state that is gone", () => {
  const said = Object.entries(exits).map(([column, of]) => [column, Object.keys(of).sort()]);
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(states));
  expect(states.length).toBeGreaterThan(8);
});

test("an exit is an operation of the API", () => {
  const all = [...Object.values(exits), deadlines].flatMap((of) => Object.values(of));
  const named = all.flatMap((exit): readonly string[] => (Array.isArray(exit) ? exit : []));
  expect(all.filter((exit) => Array.isArray(exit) && exit.length === 0)).toEqual([]);
  expect(named.filter((act) => !acts.has(act))).toEqual([]);
});

test("what ends by a timer can be ended before, by a person", () => {
  const timed = tables.filter((table) => rulesOf(table).due.length > 0).map(getTableName);
  const known = [...Object.keys(deadlines), ...looks];
  expect(timed.filter((name) => !known.includes(name))).toEqual([]);
  expect(known.filter((name) => !timed.includes(name))).toEqual([]);
});

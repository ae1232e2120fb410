import type Stripe from "stripe";
import { z } from "zod";
import { type Kind, type Route, route, type Store } from "../engine/engine.js";
import { missing, refused } from "../engine/failure.js";
import { listing, nothing, text } from "../engine/shape.js";
import { attach, methodOf } from "../payment/payment-method.js";
import { type CustomerParams, customerParams, newCustomer, patchOf } from "./customer-shape.js";
import { end } from "./subscription-end.js";

/** @throws Failure resource_missing for an absent or deleted customer */
export function liveCustomer(store: Store, id: string | undefined, param?: string): Stripe.Customer {
  const customer = store.get("customer", id, param);
  if (customer.deleted) throw missing("customer", customer.id, param);
  return customer;
}

/** Sets the default payment method of a customer, and of its subscriptions with a default of their own. */
export function setDefaultMethod(customer: Stripe.Customer, method: Stripe.PaymentMethod, store: Store) {
  const invoice_settings = { ...customer.invoice_settings, default_payment_method: method.id };
  store.change(customer, { invoice_settings }, "customer.updated");
  for (const subscription of store.by("subscription", "customer", customer.id))
    if (subscription.ended_at === null && subscription.default_payment_method !== null)
      store.change(subscription, { default_payment_method: method.id }, "customer.subscription.updated");
}

/** @throws Failure for a payment method of another customer */
function checkMethod(store: Store, id: string | undefined, customer?: string) {
  if (id === undefined) return;
  const param = "invoice_settings[default_payment_method]";
  const method = store.get("payment_method", id, param);
  if (method.customer === customer && customer !== undefined) return;
  throw refused(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: "resource_missing", param },
  );
}

function checkEmail(email: string | null | undefined) {
  if (!email || /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) return;
  throw refused(`Invalid email address: ${email}`, { code: "email_invalid", param: "email" });
}

/** Creates a customer and attaches the payment method of the request, which may become the default. @throws Failure */
function create({ payment_method, ...params }: z.output<typeof createParams>, store: Store) {
  checkEmail(params.email);
  const usual = params.invoice_settings?.default_payment_method;
  if (usual !== payment_method) checkMethod(store, usual);
  if (payment_method === undefined) return store.put(newCustomer(store, params), "customer.created");
  const method = methodOf(payment_method, store);
  const settings = usual === undefined ? {} : { default_payment_method: method.id };
  const customer = newCustomer(store, { ...params, invoice_settings: { ...params.invoice_settings, ...settings } });
  store.put(customer);
  try {
    attach(method, customer.id, store);
  } catch (failure) {
    store.remove("customer", customer.id);
    throw failure;
  }
  store.emit("customer.created", customer);
  return customer;
}

function update(customer: Stripe.Customer, params: CustomerParams, store: Store) {
  checkEmail(params.email);
  checkMethod(store, params.invoice_settings?.default_payment_method, customer.id);
  return store.change(customer, patchOf(customer, params), "customer.updated");
}

/** Deletes a customer and ends its subscriptions; it stays retrievable as `deleted`. */
function remove(customer: Stripe.Customer, store: Store) {
  for (const subscription of store.by("subscription", "customer", customer.id)) {
    if (subscription.ended_at === null) end(store, subscription);
  }
  store.emit("customer.deleted", store.get("customer", customer.id));
  return store.put({ id: customer.id, object: "customer", deleted: true } satisfies Stripe.DeletedCustomer);
}

const createParams = customerParams.extend({ payment_method: text.optional() });
const list = z.strictObject({ ...listing, email: text.optional() });

export const customerRoutes: readonly Route[] = [
  route("POST", "/v1/customers", createParams, ({ params }, store) => create(params, store)),
  route("GET", "/v1/customers", list, ({ params: { email, ...page } }, store) =>
    store.page("customer", page, { email, deleted: (customer) => !customer.deleted }),
  ),
  route("GET", "/v1/customers/:id", nothing, ({ path }, store) => store.get("customer", path.id)),
  route("POST", "/v1/customers/:id", customerParams, ({ path, params }, store) =>
    update(liveCustomer(store, path.id), params, store),
  ),
  route("DELETE", "/v1/customers/:id", nothing, ({ path }, store) => remove(liveCustomer(store, path.id), store)),
];

export const customerKind: Kind = {
  type: "customer",
  prefix: "cus",
  index: ["email"],
  include: {
    subscriptions: ({ id }: Stripe.Customer, store: Store) => ({
      ...store.page("subscription", {}, { customer: id, ended_at: (subscription) => subscription.ended_at === null }),
      url: `/v1/customers/${id}/subscriptions`,
    }),
  },
};

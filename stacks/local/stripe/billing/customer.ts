import type Stripe from "stripe";
import { z } from "zod";
import { type Kind, type Route, route, type World } from "../engine/engine.js";
import { missing, refused } from "../engine/failure.js";
import { listing, nothing, text } from "../engine/shape.js";
import { attach, methodOf } from "../payment/payment-method.js";
import { type CustomerParams, customerParams, newCustomer, patchOf } from "./customer-shape.js";
import { end } from "./subscription-end.js";

/** @throws Failure resource_missing also for one that was deleted */
export function liveCustomer(world: World, id: string | undefined, param?: string): Stripe.Customer {
  const customer = world.get("customer", id, param);
  if (customer.deleted) throw missing("customer", customer.id, param);
  return customer;
}

/** @throws Failure for a payment method that is not the customer's */
function checkMethod(world: World, id: string | undefined, customer?: string) {
  if (id === undefined) return;
  const param = "invoice_settings[default_payment_method]";
  const method = world.get("payment_method", id, param);
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

/** A means of payment that is told with the customer is attached, and may be the default at once. @throws Failure */
function create({ payment_method, ...params }: z.output<typeof createParams>, world: World) {
  checkEmail(params.email);
  const usual = params.invoice_settings?.default_payment_method;
  if (usual !== payment_method) checkMethod(world, usual);
  if (payment_method === undefined) return world.put(newCustomer(world, params), "customer.created");
  const method = methodOf(payment_method, world);
  const settings = usual === undefined ? {} : { default_payment_method: method.id };
  const customer = newCustomer(world, { ...params, invoice_settings: { ...params.invoice_settings, ...settings } });
  world.put(customer);
  try {
    attach(method, customer.id, world);
  } catch (failure) {
    world.remove("customer", customer.id);
    throw failure;
  }
  world.emit("customer.created", customer);
  return customer;
}

function update(customer: Stripe.Customer, params: CustomerParams, world: World) {
  checkEmail(params.email);
  checkMethod(world, params.invoice_settings?.default_payment_method, customer.id);
  return world.change(customer, patchOf(customer, params), "customer.updated");
}

/** Its subscriptions end at once; it stays retrievable as `deleted`. */
function remove(customer: Stripe.Customer, world: World) {
  for (const subscription of world.by("subscription", "customer", customer.id)) {
    if (subscription.ended_at === null) end(world, subscription);
  }
  world.emit("customer.deleted", world.get("customer", customer.id));
  return world.put({ id: customer.id, object: "customer", deleted: true } satisfies Stripe.DeletedCustomer);
}

const createParams = customerParams.extend({ payment_method: text.optional() });
const list = z.strictObject({ ...listing, email: text.optional() });

export const customerRoutes: readonly Route[] = [
  route("POST", "/v1/customers", createParams, ({ params }, world) => create(params, world)),
  route("GET", "/v1/customers", list, ({ params: { email, ...page } }, world) =>
    world.page("customer", page, { email, deleted: (customer) => !customer.deleted }),
  ),
  route("GET", "/v1/customers/:id", nothing, ({ path }, world) => world.get("customer", path.id)),
  route("POST", "/v1/customers/:id", customerParams, ({ path, params }, world) =>
    update(liveCustomer(world, path.id), params, world),
  ),
  route("DELETE", "/v1/customers/:id", nothing, ({ path }, world) => remove(liveCustomer(world, path.id), world)),
];

export const customerKind: Kind = {
  type: "customer",
  prefix: "cus",
  index: ["email"],
  include: {
    subscriptions: ({ id }: Stripe.Customer, world: World) => ({
      ...world.page("subscription", {}, { customer: id, ended_at: (subscription) => subscription.ended_at === null }),
      url: `/v1/customers/${id}/subscriptions`,
    }),
  },
};

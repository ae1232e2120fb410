import { z } from "zod";
import type { Module, Store } from "../engine/engine.js";
import { route } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { integer, listing, merge, metadata, nothing, oneOf, text } from "../engine/shape.js";
import { attach, checkCustomer, createMethod, methodData, methodOf } from "./payment-method.js";

const update = z.strictObject({
  allow_redisplay: methodData.allow_redisplay,
  billing_details: methodData.billing_details,
  card: z.strictObject({ exp_month: integer.optional(), exp_year: integer.optional() }).optional(),
  metadata: metadata.optional(),
});
const types = oneOf("card", "sepa_debit", "us_bank_account");

function detach(id: string, store: Store) {
  const method = store.get("payment_method", id);
  if (!method.customer)
    throw refused("The payment method you provided is not attached to a customer so detachment is impossible.", {
      param: "payment_method",
    });
  return store.change(method, { customer: null }, "payment_method.detached");
}

export const paymentMethods: Module = {
  kinds: [{ type: "payment_method", prefix: "pm", index: ["customer"] }],
  routes: [
    route(
      "POST",
      "/v1/payment_methods",
      z.strictObject(methodData),
      ({ params, credential }, store) => createMethod(params, store, { browser: credential === "publishable" }),
      { publishable: true },
    ),
    route("GET", "/v1/payment_methods/:id", nothing, ({ path }, store) => store.get("payment_method", path.id)),
    route("POST", "/v1/payment_methods/:id", update, ({ path, params }, store) => {
      const method = store.get("payment_method", path.id);
      const { billing_details, card, ...rest } = params;
      const patch = {
        ...(rest.allow_redisplay && { allow_redisplay: rest.allow_redisplay }),
        ...(card && method.card && { card: { ...method.card, ...card } }),
        ...(billing_details && {
          billing_details: {
            ...method.billing_details,
            ...billing_details,
            address: { ...method.billing_details.address, ...billing_details.address },
          },
        }),
        metadata: merge(method.metadata ?? {}, rest.metadata),
      };
      return store.change(method, patch as Partial<typeof method>, "payment_method.updated");
    }),
    route(
      "GET",
      "/v1/payment_methods",
      z.strictObject({ ...listing, customer: text.optional(), type: types.optional() }),
      ({ params: { customer, type, ...params } }, store) => {
        // Without a customer Stripe lists Treasury's methods, of which there are none.
        if (!customer) return { object: "list", data: [], has_more: false, url: "/v1/payment_methods" };
        checkCustomer(customer, store);
        return store.page("payment_method", params, { customer, type });
      },
    ),
    route(
      "GET",
      "/v1/customers/:id/payment_methods",
      z.strictObject({ ...listing, type: types.optional() }),
      ({ path, params: { type, ...params } }, store) => {
        store.get("customer", path.id);
        const list = store.page("payment_method", params, { customer: path.id, type });
        return { ...list, url: `/v1/customers/${path.id}/payment_methods` };
      },
    ),
    route("GET", "/v1/customers/:id/payment_methods/:method", nothing, ({ path }, store) => {
      const method = store.get("payment_method", path.method);
      if (method.customer !== path.id)
        throw refused(`No such PaymentMethod: '${path.method}'`, { status: 404, code: "resource_missing" });
      return method;
    }),
    route("POST", "/v1/payment_methods/:id/attach", z.strictObject({ customer: text }), ({ path, params }, store) =>
      attach(methodOf(path.id ?? "", store, "id"), params.customer, store),
    ),
    route("POST", "/v1/payment_methods/:id/detach", nothing, ({ path }, store) => detach(path.id ?? "", store)),
  ],
};

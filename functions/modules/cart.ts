import * as z from "zod";
import { cartLineTable, cartTable } from "../../core/cart/cart.sql.js";
import {
  Cart,
  CartChange,
  CartId,
  CartRecord,
  LineId,
  NewCart,
  NewCartRecord,
  NewLine,
  Quantity,
} from "../../core/cart/index.js";
import { Checkout, Completed, Completion } from "../../core/checkout/index.js";
import { listOf } from "../../core/kernel/page.js";
import { ShippingChoice } from "../../core/shipping/index.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

/** It takes stock from all other shoppers, or opens a payment at a provider. */
const HOLD_COST = 20;
const params = z.object({ id: CartId });
const lineParams = params.extend({ lineId: LineId });
const cartRead = { allow: "shopper", cartToken: true, params, tag: Cart.tagOf } as const;
/** Each change says which version of the cart it has seen: two tabs never overwrite each other in silence. */
const cartWrite = { ...cartRead, ifMatch: "required", returns: [200, CartRecord] } as const;

const routes: Endpoint[] = [
  endpoint(
    "post",
    "/v1/store/carts",
    {
      allow: "shopper",
      body: NewCart,
      returns: [201, NewCartRecord],
      tag: Cart.tagOf,
      idempotency: "none",
      summary: "Create a cart",
      description: "`token` is only returned by this call. Send it as `x-cart-token` to use the cart and its order.",
    },
    ({ body }) => Cart.create(body),
  ),
  endpoint(
    "get",
    "/v1/store/carts/{id}",
    { ...cartRead, returns: [200, CartRecord], summary: "Get a cart with current prices" },
    ({ params: { id }, cartToken }) => Cart.get({ id, token: cartToken }),
  ),
  endpoint(
    "patch",
    "/v1/store/carts/{id}",
    { ...cartWrite, body: CartChange, summary: "Update a cart" },
    ({ params: { id }, cartToken: token, version, body }) =>
      Cart.update({ cart: { id, token, version }, change: body }),
  ),
  endpoint(
    "post",
    "/v1/store/carts/{id}/lines",
    { ...cartWrite, body: NewLine, summary: "Add a line to a cart" },
    ({ params: { id }, cartToken: token, version, body }) => Cart.addLine({ cart: { id, token, version }, line: body }),
  ),
  endpoint(
    "patch",
    "/v1/store/carts/{id}/lines/{lineId}",
    {
      ...cartWrite,
      params: lineParams,
      body: z.strictObject({ quantity: Quantity }),
      summary: "Update the quantity of a line",
    },
    ({ params: { id, lineId }, cartToken: token, version, body }) =>
      Cart.setLine({ cart: { id, token, version }, lineId, ...body }),
  ),
  endpoint(
    "delete",
    "/v1/store/carts/{id}/lines/{lineId}",
    { ...cartWrite, params: lineParams, summary: "Remove a line" },
    ({ params: { id, lineId }, cartToken: token, version }) =>
      Cart.removeLine({ cart: { id, token, version }, lineId }),
  ),
  endpoint(
    "get",
    "/v1/store/carts/{id}/shipping-options",
    { ...cartRead, returns: [200, listOf(ShippingChoice)], summary: "List the shipping options of a cart" },
    ({ params: { id }, cartToken }) => Cart.listShippingOptions({ id, token: cartToken }),
  ),
  endpoint(
    "post",
    "/v1/store/carts/{id}/hold",
    {
      cost: HOLD_COST,
      ...cartWrite,
      summary: "Reserve the stock of a cart for 15 minutes",
      description:
        "Reserves every line. A repeated call restarts the 15 minutes, up to 30 minutes after the first one; a change of the lines releases the reservation.",
    },
    ({ params: { id }, cartToken: token, version }) => Cart.reserveStock({ id, token, version }),
  ),
  endpoint(
    "delete",
    "/v1/store/carts/{id}/hold",
    { ...cartWrite, summary: "Release the reserved stock of a cart" },
    ({ params: { id }, cartToken: token, version }) => Cart.releaseStock({ id, token, version }),
  ),
  endpoint(
    "post",
    "/v1/store/carts/{id}/complete",
    {
      cost: HOLD_COST,
      ...cartRead,
      body: Completion,
      returns: [200, Completed],
      idempotency: "required",
      ifMatch: "optional",
      summary: "Complete a cart",
      description:
        "Creates the order and its first payment. 409 `cart.total_changed` if the cart costs something else than `expectedTotal`, or than its last answer to a write. Completing the same cart again returns the same order, also with another Idempotency-Key.",
    },
    ({ params: { id }, cartToken: token, version, tag, body }) =>
      Checkout.complete({ cart: { id, token, version }, tag, completion: body }),
  ),
];

export const cart: Module = {
  name: "cart",
  tables: [cartTable, cartLineTable],
  routes,
  sweeps: [{ name: "cart.expire", run: () => Cart.deleteExpired(), slice: 200 }],
};

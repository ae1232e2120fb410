import { listOf } from "../../core/kernel/page.js";
import { NewShippingOption, Shipping, ShippingOption, ShippingPage } from "../../core/shipping/index.js";
import { shippingOptionTable } from "../../core/shipping/shipping.sql.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readSettings, writeSettings } from "./tenant.js";

const routes: Endpoint[] = [
  endpoint(
    "get",
    "/v1/admin/shipping-options",
    {
      allow: readSettings,
      query: ShippingPage,
      returns: [200, listOf(ShippingOption)],
      summary: "List shipping options",
    },
    ({ query }) => Shipping.list(query),
  ),
  endpoint(
    "post",
    "/v1/admin/shipping-options",
    {
      allow: writeSettings,
      body: NewShippingOption,
      returns: [201, ShippingOption],
      summary: "Create a flat-rate shipping option",
    },
    ({ body }) => Shipping.create(body),
  ),
];

export const shipping: Module = {
  name: "shipping",
  tables: [shippingOptionTable],
  routes,
};

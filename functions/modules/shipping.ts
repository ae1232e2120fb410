import { listOf } from "../../core/kernel/page.js";
import { NewShippingOption, Shipping, ShippingOption, ShippingPage } from "../../core/shipping/index.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";

export const shippingRoutes: Endpoint[] = [
  endpoint(
    "get",
    "/v1/admin/shipping-options",
    {
      allow: "settings:read",
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
      allow: "settings:write",
      body: NewShippingOption,
      returns: [201, ShippingOption],
      ifMatch: "none",
      summary: "Create a shipping option at a flat rate",
    },
    ({ body }) => Shipping.create(body),
  ),
];

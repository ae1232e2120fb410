import * as z from "zod";
import {
  Capture,
  Note,
  Order,
  OrderDetail,
  OrderId,
  OrderPage,
  OrderPaid,
  OrderPlaced,
  OrderShape,
  OrderSummary,
} from "../../core/order/index.js";
import { TimelineEntry } from "../../core/order/timeline.js";
import { listOf } from "../../core/page.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";

const params = z.object({ id: OrderId });

export const orderRoutes: Endpoint[] = [
  endpoint(
    "get",
    "/v1/store/orders/{id}",
    {
      allow: "shopper",
      cartToken: true,
      params,
      returns: [200, OrderShape],
      summary: "Get an order by the token of its cart",
    },
    ({ params: { id }, cartToken }) => Order.open({ id, token: cartToken }),
  ),
  endpoint(
    "get",
    "/v1/admin/orders",
    {
      allow: "orders:read",
      query: OrderPage,
      returns: [200, listOf(OrderSummary)],
      summary: "List orders, the newest first",
    },
    ({ query }) => Order.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/orders/{id}",
    {
      allow: "orders:read",
      params,
      returns: [200, OrderDetail],
      summary: "Get an order with its payments and timeline",
    },
    ({ params: { id } }) => Order.get(id),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/capture",
    {
      allow: "orders:write",
      params,
      body: Capture,
      returns: [200, OrderDetail],
      idempotency: "required",
      ifMatch: "optional",
      summary: "Take the money, in parts or all that is left",
    },
    async ({ params: { id }, version, body }) => {
      await Order.capture({ id, version, capture: body });
      return Order.get(id);
    },
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/notes",
    {
      allow: "orders:write",
      params,
      body: Note,
      returns: [201, TimelineEntry],
      ifMatch: "none",
      summary: "Add a note for the staff",
    },
    ({ params: { id }, body }) => Order.note({ id, note: body }),
  ),
];

export const orderEvents = [OrderPlaced, OrderPaid];
export const orderJobs = [Order.confirmation];

import * as z from "zod";
import { CancelledOrder, Checkout } from "../../core/checkout/index.js";
import { defineScope } from "../../core/kernel/access.js";
import { AfterCommit } from "../../core/kernel/after-commit.js";
import { on } from "../../core/kernel/event/index.js";
import { listOf } from "../../core/kernel/page.js";
import {
  Cancellation,
  Note,
  Order,
  OrderCancelled,
  OrderId,
  OrderPage,
  OrderPaid,
  OrderPlaced,
  OrderRecord,
  OrderReviewed,
  OrderSummary,
  Review,
  TimelineEntry,
  TimelinePage,
} from "../../core/order/index.js";
import { orderMeter } from "../../core/order/meter.js";
import { counterTable, orderLineTable, orderTable, orderTimelineTable } from "../../core/order/order.sql.js";
import { Capture, OrderDetail, Payment, PaymentStep, Refund, RetryMethodInput } from "../../core/payment/index.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { orderMail } from "./order-mail.js";

export const readOrders = defineScope("orders:read", "MEMBER", { personal: true });
const writeOrders = defineScope("orders:write", "MEMBER");
/** Gives money back, which day-to-day work on orders does not need. */
const writeRefunds = defineScope("refunds:write", "ADMIN");

const params = z.object({ id: OrderId });
const wait = z.coerce.number().int().min(0).max(2).default(0).meta({
  description: "Seconds to wait while the order is `pending`: for the page to which the provider returns the shopper",
});
/** Money moves once for each idempotency key, however often the request is repeated. */
const moneyOperation = {
  allow: writeOrders,
  params,
  returns: [200, OrderDetail],
  idempotency: "required",
  ifMatch: "optional",
} as const;

/** The order after an operation; a provider is called after the commit, and the order is read after that call. */
async function withOrderAfter(id: string, asked: Promise<unknown>) {
  const [waits, read] = [await asked, () => Payment.getOrder(id)];
  return waits instanceof AfterCommit ? new AfterCommit(() => waits.run().then(read)) : read();
}

const routes: Endpoint[] = [
  endpoint(
    "get",
    "/v1/store/orders/{id}",
    {
      allow: "shopper",
      cartToken: true,
      params,
      query: z.strictObject({ wait }),
      returns: [200, OrderRecord],
      summary: "Get an order with the token of its cart",
    },
    async ({ params: { id }, query, cartToken: token }) => {
      if (query.wait > 0) await Checkout.waitForDecision({ id, token }, query.wait);
      return Order.getByCartToken({ id, token });
    },
  ),
  endpoint(
    "post",
    "/v1/store/orders/{id}/cancel",
    {
      cost: 10,
      allow: "shopper",
      cartToken: true,
      params,
      returns: [200, CancelledOrder],
      idempotency: "required",
      ifMatch: "optional",
      summary: "Cancel a pending order with the token of its cart",
      description:
        "Ends an order that is not paid yet: its payment attempts are closed and its goods are for sale again. `cart` is an open copy of its cart with the same token. Repeated, it returns the same order and cart.",
    },
    ({ params: { id }, cartToken: token, version }) => Checkout.cancelOrder({ order: { id, token }, version }),
  ),
  endpoint(
    "post",
    "/v1/store/orders/{id}/payments",
    {
      cost: 20,
      allow: "shopper",
      cartToken: true,
      params,
      body: RetryMethodInput,
      returns: [201, PaymentStep],
      idempotency: "required",
      ifMatch: "optional",
      summary: "Retry the payment of a pending order",
      description:
        "Creates another payment attempt. The first attempt that succeeds pays the order; any other is refunded or voided automatically.",
    },
    ({ params: { id }, cartToken: token, version, body }) =>
      Checkout.retryPayment({ order: { id, token }, version, method: body }),
  ),
  endpoint(
    "get",
    "/v1/admin/orders",
    {
      allow: readOrders,
      query: OrderPage,
      returns: [200, listOf(OrderSummary)],
      summary: "List orders, newest first",
    },
    ({ query }) => Order.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/orders/{id}",
    {
      allow: readOrders,
      params,
      returns: [200, OrderDetail],
      summary: "Get an order with its payments and timeline",
    },
    ({ params: { id } }) => Payment.getOrder(id),
  ),
  endpoint(
    "get",
    "/v1/admin/orders/{id}/timeline",
    {
      allow: readOrders,
      params,
      query: TimelinePage,
      returns: [200, listOf(TimelineEntry)],
      summary: "List the timeline of an order, newest first",
    },
    ({ params: { id }, query }) => Order.listTimeline({ id, ...query }),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/review",
    {
      allow: writeOrders,
      params,
      body: Review,
      returns: [200, OrderDetail],
      ifMatch: "required",
      summary: "Clear the attention of an order after a review",
      description:
        "Records that the staff has dealt with everything that the order asked attention for, as of the version that was read.",
    },
    ({ params: { id }, version, body }) => withOrderAfter(id, Order.review({ id, version, ...body })),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/accept",
    {
      ...moneyOperation,
      summary: "Accept an order that is paid by hand",
      description:
        "An order by hand is `pending` until the staff accepts it. Capturing it accepts it, too; `void` declines it.",
    },
    ({ params: { id }, version }) => withOrderAfter(id, Payment.accept({ id, version })),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/capture",
    {
      cost: 10,
      ...moneyOperation,
      body: Capture,
      summary: "Capture the authorized payment of an order, in full or in part",
      description:
        "Without `amount` the whole remainder is captured. 409 `payment.capture_exceeds` if `amount` is more than that.",
    },
    ({ params: { id }, version, body }) => withOrderAfter(id, Payment.capture({ id, version, ...body })),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/refunds",
    {
      cost: 10,
      ...moneyOperation,
      allow: writeRefunds,
      body: Refund,
      summary: "Refund the captured payment of an order, in full or in part",
      description:
        "Without `amount` the whole remainder is refunded. 409 `payment.refund_exceeds` if `amount` is more than that. An operation that is `pending` in the answer is completed by the provider later.",
    },
    ({ params: { id }, version, body }) => withOrderAfter(id, Payment.refund({ id, version, ...body })),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/void",
    {
      cost: 10,
      ...moneyOperation,
      allow: writeRefunds,
      summary: "Void the uncaptured authorization of an order",
      description:
        "Voids every authorization without a capture. An order without any other money is cancelled and its goods are for sale again. 409 `payment.not_voidable` if there is none; refund captured amounts instead.",
    },
    ({ params: { id }, version }) => withOrderAfter(id, Payment.voidAuthorization({ id, version })),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/cancel",
    {
      cost: 10,
      ...moneyOperation,
      body: Cancellation,
      summary: "Cancel a pending or open order",
      description:
        "Voids or refunds its payments, closes its payment attempts, and puts its goods back on sale. 409 `order.not_cancellable` if goods were fulfilled. A cancelled order is returned as it is.",
    },
    ({ params: { id }, version, body }) => withOrderAfter(id, Payment.cancelOrder({ id, version, ...body })),
  ),
  endpoint(
    "post",
    "/v1/admin/orders/{id}/notes",
    {
      allow: writeOrders,
      params,
      body: Note,
      returns: [201, TimelineEntry],
      summary: "Add a note to an order",
    },
    ({ params: { id }, body }) => Order.note({ id, note: body }),
  ),
];

export const order: Module = {
  name: "order",
  scopes: [readOrders, writeOrders, writeRefunds],
  tables: [orderTable, orderLineTable, orderTimelineTable, counterTable],
  meters: [orderMeter],
  ledgerKinds: Order.orderLedgerKinds,
  ledgerAccounts: Order.orderLedgerAccounts,
  routes,
  events: [OrderPlaced, OrderPaid, OrderCancelled, OrderReviewed],
  subscribers: [...orderMail.subscribers, on(OrderPlaced, "order.ledger", ({ data }) => Order.recordSale(data))],
  jobs: orderMail.jobs,
};

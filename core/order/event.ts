import * as z from "zod";
import { defineEvent } from "../kernel/event/index.js";
import { Money } from "../kernel/money.js";
import { OrderId } from "./order.sql.js";

const reference = { orderId: OrderId, number: z.int() };

export const OrderPlaced = defineEvent("order.placed", z.object({ ...reference, total: Money, placedAt: z.string() }));
/** All of the amount is captured. */
export const OrderPaid = defineEvent("order.paid", z.object({ ...reference, amount: Money }));
/** An order ended without a sale. `placedAt` is null when it had never been placed. */
export const OrderCancelled = defineEvent(
  "order.cancelled",
  z.object({ ...reference, reason: z.string(), total: Money, placedAt: z.string().nullable() }),
);
/** The staff has dealt with what an order asked attention for. */
export const OrderReviewed = defineEvent("order.reviewed", z.object({ ...reference, codes: z.array(z.string()) }));

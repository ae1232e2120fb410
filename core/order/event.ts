import * as z from "zod";
import { defineEvent } from "../kernel/event/index.js";
import { Money } from "../kernel/money.js";
import { OrderId } from "./order.sql.js";

const reference = { orderId: OrderId, number: z.int() };

export const OrderPlaced = defineEvent("order.placed", z.object({ ...reference, total: Money, placedAt: z.string() }));
/** All of the amount is captured. */
export const OrderPaid = defineEvent("order.paid", z.object({ ...reference, amount: Money }));
/** A pending order ended without a sale: its payment did not come, or its goods were gone. */
export const OrderCancelled = defineEvent("order.cancelled", z.object({ ...reference, reason: z.string() }));

import { eq, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { orderTimelineTable } from "../order/order.sql.js";
import { entry } from "../order/timeline.js";
import { type Wish, wish } from "./operation.js";
import { paymentTable } from "./payment.sql.js";
import type { Payment } from "./settle.js";

/** Money that nothing is sold for goes back by itself, once for each sum that was taken; nothing more comes of its attempt. */
export async function returnMoney(tx: Tx, payment: Payment, why: string): Promise<void> {
  const { captured, refunded, refunding } = payment;
  const left = captured - refunded - refunding;
  const isOnItsWay = captured > 0 && left === 0;
  if (!isOnItsWay) await giveBack(tx, payment, why, captured, left);
}

/**
 * The same for money that is not what we asked for, so that it is in no sum of ours.
 * @param taken what the provider has of it
 * @returns whether it was wished now
 */
export const returnAll = (tx: Tx, payment: Payment, why: string, taken: number): Promise<boolean> =>
  giveBack(tx, payment, why, taken, ALL);

/** As an amount of a wish. */
const ALL = 0;

async function giveBack(tx: Tx, payment: Payment, why: string, taken: number, amount: number): Promise<boolean> {
  const asked: Wish =
    taken > 0
      ? { kind: "refund", amount, reason: why, requestKey: `return ${payment.id} ${taken}` }
      : { kind: "void", amount: ALL, reason: why, requestKey: `return ${payment.id}` };
  const made = await wish(tx, payment, asked, 0);
  if (!made) return false;
  await tx
    .update(paymentTable)
    .set({ closedAt: sql`coalesce(${paymentTable.closedAt}, now())` })
    .where(eq(paymentTable.id, payment.id));
  await tx
    .insert(orderTimelineTable)
    .values(entry(payment.orderId, "payment_returned", { paymentId: payment.id, why }));
  return true;
}

const NOT_RETURNED = "payment.not_returned";

/** What should have gone back did not: nobody but the merchant can do something about it now. */
export async function notReturned({ id, orderId, captured, refunded, currency }: Payment): Promise<void> {
  await Incident.open(NOT_RETURNED, id, { orderId, amount: captured - refunded, currency });
}

export async function isReturned({ id }: Payment): Promise<void> {
  await Incident.heal(NOT_RETURNED, id, "The payment was refunded.");
}

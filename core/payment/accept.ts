import { eq, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { confirm, tender } from "../order/apply-payment.js";
import { paymentAccountTable } from "../payment-account/payment-account.sql.js";
import { captureKey, wish } from "./operation.js";
import { paymentTable } from "./payment.sql.js";
import { returnMoney } from "./refund-back.js";
import type { Payment } from "./settle.js";

/**
 * A payment that its provider stands for counts for its order, once: when the order waits for it and needs so much. If
 * that is all, the order stands, provided that its goods are there. Whatever cannot be sold is given back.
 * @returns whether it counts
 */
export async function accept(tx: Tx, payment: Payment): Promise<boolean> {
  const order = await tender(tx, payment.orderId, payment.amount);
  if (!order) {
    await returnMoney(tx, payment, "order_not_payable");
    return false;
  }
  await tx.update(paymentTable).set({ accepted: true, expiresAt: null }).where(eq(paymentTable.id, payment.id));
  if (order.tendered < order.total) return true;
  const refusal = await confirm(tx, order);
  const parts = await tx
    .select()
    .from(paymentTable)
    .where(sql`${eq(paymentTable.orderId, order.id)} and ${paymentTable.accepted}`);
  for (const part of parts) {
    if (refusal) await giveBack(tx, part, refusal);
    else if (await takesAtOnce(tx, part)) await captureAll(tx, part);
  }
  return refusal === undefined;
}

async function giveBack(tx: Tx, payment: Payment, why: string): Promise<void> {
  await tx.update(paymentTable).set({ accepted: false }).where(eq(paymentTable.id, payment.id));
  await returnMoney(tx, payment, why);
}

async function takesAtOnce(tx: Tx, payment: Payment): Promise<boolean> {
  if (!payment.account || payment.captured >= payment.authorized) return false;
  const [account] = await tx
    .select({ capture: paymentAccountTable.capture })
    .from(paymentAccountTable)
    .where(eq(paymentAccountTable.account, payment.account));
  return account?.capture !== "manual";
}

async function captureAll(tx: Tx, payment: Payment): Promise<void> {
  const amount = payment.authorized - payment.captured - payment.capturing;
  await wish(tx, payment, { kind: "capture", amount, requestKey: captureKey(payment) }, 0);
}

import { and, eq } from "drizzle-orm";
import * as z from "zod";
import { conflict } from "../../core/kernel/error.js";
import type { SynchronousProvider } from "../../core/payment/provider.js";
import { Loyalty } from "./index.js";
import { LoyaltyAccountId, loyaltyEntryTable } from "./loyalty.sql.js";

const Input = z.object({ loyaltyAccountId: LoyaltyAccountId });

/** Takes the points when the order is placed, and gives them back when it is voided or refunded. */
export const loyaltyProvider: SynchronousProvider = {
  name: "loyalty",
  capture: "automatic",
  synchronous: true,
  input: Input,
  async prepareAttempt(tx, { orderId, amount, currency }, input) {
    const { loyaltyAccountId: accountId } = Input.parse(input);
    const paid = await Loyalty.movePoints(tx, { accountId, points: -amount, kind: "payment", reference: orderId });
    if (paid?.account.currency !== currency)
      throw conflict("loyalty.points_insufficient", "The account does not have so many points in this currency.");
    return {};
  },
  async operate(tx, { orderId }, { kind, amount }) {
    if (kind === "capture") return;
    const [paid] = await tx
      .select({ accountId: loyaltyEntryTable.accountId, points: loyaltyEntryTable.points })
      .from(loyaltyEntryTable)
      .where(and(eq(loyaltyEntryTable.reference, orderId), eq(loyaltyEntryTable.kind, "payment")));
    if (!paid) throw new Error("The order was not paid with points.");
    const points = kind === "void" ? -paid.points : amount;
    await Loyalty.movePoints(tx, { accountId: paid.accountId, points, kind: "return", reference: orderId });
  },
};

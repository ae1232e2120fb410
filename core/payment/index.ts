export * as Payment from "./index.js";

import * as z from "zod";
import { id } from "../id.js";
import { Money } from "../money.js";
import { paymentStatuses } from "../order/order.sql.js";
import { manual } from "./manual.js";
import { paymentEventTable, paymentTable } from "./payment.sql.js";
import { Action, type Provider } from "./provider.js";

export const PaymentId = id("pay");
export const PaymentEventId = id("pev");

const providers = { manual } as const satisfies Record<string, Provider>;
export const ProviderName = z.enum(Object.keys(providers) as [keyof typeof providers]);

export const PaymentStatus = z.enum(paymentStatuses).meta({ id: "PaymentStatus" });
export type PaymentStatus = z.infer<typeof PaymentStatus>;

/** What the shopper learns of a payment. */
export const PaymentStep = z.object({ status: PaymentStatus, action: Action }).meta({ id: "PaymentStep" });

const PaymentEvent = z.object({
  type: z.enum(paymentEventTable.type.enumValues),
  amount: Money,
  createdAt: z.string(),
});
export const PaymentRecord = z
  .object({
    id: PaymentId,
    provider: z.string(),
    status: PaymentStatus,
    amount: Money,
    captured: Money,
    refunded: Money,
    events: z.array(PaymentEvent).meta({ description: "What the provider said, the oldest first" }),
    createdAt: z.string(),
  })
  .meta({ id: "Payment" });

export const columns = {
  id: paymentTable.id,
  provider: paymentTable.provider,
  amount: paymentTable.amount,
  currency: paymentTable.currency,
  captured: paymentTable.captured,
  refunded: paymentTable.refunded,
  createdAt: paymentTable.createdAt,
};
export const eventColumns = {
  paymentId: paymentEventTable.paymentId,
  type: paymentEventTable.type,
  amount: paymentEventTable.amount,
  createdAt: paymentEventTable.createdAt,
};
type Row = Pick<typeof paymentTable.$inferSelect, keyof typeof columns>;
type EventRow = Pick<typeof paymentEventTable.$inferSelect, keyof typeof eventColumns>;

/** Derived from what the provider said; nothing else decides it. Minor units. */
export function statusOf(amount: number, events: readonly Pick<EventRow, "type" | "amount">[]): PaymentStatus {
  const sum = (type: EventRow["type"]) =>
    events.reduce((all, event) => all + (event.type === type ? event.amount : 0), 0);
  const captured = sum("captured");
  if (captured > 0 && sum("refunded") >= captured) return "refunded";
  if (captured >= amount) return "captured";
  if (captured > 0) return "partially_captured";
  const last = events.at(-1)?.type;
  return last === "authorized" || last === "voided" || last === "failed" ? last : "pending";
}

export function view({ currency, amount, captured, refunded, ...payment }: Row, all: readonly EventRow[]) {
  const events = all.filter(({ paymentId }) => paymentId === payment.id);
  const money = (value: number): Money => ({ amount: value, currency });
  return {
    ...payment,
    status: statusOf(amount, events),
    amount: money(amount),
    captured: money(captured),
    refunded: money(refunded),
    events: events.map(({ type, amount: value, createdAt }) => ({ type, amount: money(value), createdAt })),
  };
}

/** The provider of a payment. @throws ZodError for a name that the table never had */
export const providerOf = (name: string): Provider => providers[ProviderName.parse(name)];

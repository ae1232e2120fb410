import { eq } from "drizzle-orm";
import * as z from "zod";
import { read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { defineJob } from "../kernel/job/index.js";
import { html } from "../kernel/mail/html.js";
import { layout } from "../kernel/mail/layout.js";
import { toLine } from "../kernel/mail/line.js";
import { formatMoney, Money } from "../kernel/money.js";
import { Mails } from "../mail/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { OrderId, orderTable } from "./order.sql.js";

const MailedAmount = z.object({ orderId: OrderId, amount: Money });
export const refundMailJob = defineJob("order.refund-mail", MailedAmount);
export const cancellationMailJob = defineJob("order.cancellation-mail", MailedAmount);

interface Content {
  subject: string;
  /** Sentences, each a paragraph. */
  paragraphs: string[];
}

/** Tells the shopper that an amount goes back. */
export const mailRefund = (told: z.output<typeof MailedAmount>, job: { id: string }): Promise<void> =>
  sendMail(told.orderId, job, (order) => ({
    subject: `Refund for your ${order}`,
    paragraphs: [
      `We have refunded ${formatMoney(told.amount)} for your ${order}.`,
      "The money goes back the way you paid; with most banks it arrives within some days.",
    ],
  }));

/** Tells the shopper that a placed order is cancelled. Each refund has a mail of its own. */
export const mailCancellation = (told: z.output<typeof MailedAmount>, job: { id: string }): Promise<void> =>
  sendMail(told.orderId, job, (order) => ({
    subject: `Cancelled: your ${order}`,
    paragraphs: [
      `Your ${order} over ${formatMoney(told.amount)} is cancelled. Nothing more will be charged or sent.`,
      "If you have paid already, the money goes back the way you paid.",
    ],
  }));

/**
 * Mails the shopper of an order. The mail carries the id of its job: a job that runs again finds what was decided, and
 * the provider sees the same id.
 */
async function sendMail(orderId: string, job: { id: string }, write: (order: string) => Content): Promise<void> {
  const [[order], [shop]] = await read(
    (q) =>
      [
        q
          .select({ number: orderTable.number, email: orderTable.email })
          .from(orderTable)
          .where(eq(orderTable.id, orderId)),
        q.select({ name: tenantTableRoot.name }).from(tenantTableRoot),
      ] as const,
  );
  if (!order || !shop) throw notFound("order");
  const heading = toLine(shop.name);
  const { subject, paragraphs } = write(`order ${order.number} at ${heading}`);
  const content = html`${paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}`;
  await Mails.deliver({
    ...{ id: job.id, to: order.email, subject, text: `${paragraphs.join("\n\n")}\n` },
    html: layout({ title: subject, heading }, content).toString(),
  });
}

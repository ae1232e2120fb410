import { eq } from "drizzle-orm";
import * as z from "zod";
import { param, prepared } from "../../drizzle/prepared.js";
import { read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { defineJob, type Note } from "../kernel/job/index.js";
import { type Html, html } from "../kernel/mail/html.js";
import { layout } from "../kernel/mail/layout.js";
import { toLine } from "../kernel/mail/line.js";
import { formatMoney } from "../kernel/money.js";
import { insertJson, rowsToJson } from "../kernel/rows.js";
import { Mails } from "../mail/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { OrderId, orderTable, orderTimelineTable, TimelineId } from "./order.sql.js";
import { entry } from "./timeline.js";
import { orderQueries, view } from "./view.js";

type Confirmed = ReturnType<typeof view>;

export const confirmationMailJob = defineJob("order.confirmation-mail", z.object({ orderId: OrderId }));

/**
 * Mails the contents of the order to the shopper. The mail carries the id of its job: if the process dies between the
 * provider's answer and our commit, the mail goes out a second time, with the same id. The timeline's entry has the
 * job's id too, so that it is made once. The mail does not move the order's version: a change with the version from
 * before the mail is still accepted.
 */
export async function sendConfirmation({ orderId }: { orderId: string }, job: { id: string }): Promise<Note> {
  const [[order], lines, [shop]] = await read(
    (q) => [orderQuery(q, { orderId }), linesQuery(q, { orderId }), shopQuery(q, {})] as const,
  );
  if (!order || !shop) throw notFound("order");
  const confirmed = view(order, lines);
  const subject = `Your order ${order.number} at ${toLine(shop.name)}`;
  const content = { text: text(confirmed, shop.name), html: page(confirmed, shop.name).toString() };
  const { status, reason } = await Mails.deliver({ id: job.id, to: order.email, subject, ...content });
  const type =
    status === "sent"
      ? "confirmation_sent"
      : reason === "undeliverable"
        ? "confirmation_undeliverable"
        : "confirmation_suppressed";
  const row = {
    ...entry(orderId, type, { jobId: job.id, ...(reason && { reason }) }),
    id: TimelineId.parse(`otl${job.id.slice(3)}`),
  };
  const sent = rowsToJson(orderTimelineTable, [row]);
  return (q) => [insertSent(q, { sent })];
}

const isOrder = (orderId: string) => eq(orderTable.id, param(orderId, orderTable.id));
type Which = { orderId: string };
const orderQuery = prepared((q, { orderId }: Which) => orderQueries(q, isOrder(orderId))[0]);
const linesQuery = prepared((q, { orderId }: Which) => orderQueries(q, isOrder(orderId))[1]);
const shopQuery = prepared((q, _: object) => q.select({ name: tenantTableRoot.name }).from(tenantTableRoot));
const insertSent = prepared((q, { sent }: { sent: string }) =>
  insertJson(q, orderTimelineTable, ["id", "orderId", "type", "data", "actor"], sent).onConflictDoNothing(),
);

/** Text of the shopper stands in the address only, so that a stranger cannot send a message in the shop's name. */
const thanks = (order: Confirmed, shop: string) => `Thank you for your order ${order.number} at ${shop}.`;

const sums = ({ shipping, totals }: Confirmed): [string, string][] => [
  [shipping.name, formatMoney(shipping.total)],
  ["Total", formatMoney(totals.total)],
  ["Includes tax", formatMoney(totals.tax)],
];

const addressOf = ({ shippingAddress: to }: Confirmed) =>
  [
    ...[to.name, to.company, to.line1, to.line2, to.district],
    [to.postalCode, to.city].filter(Boolean).join(" "),
    ...[to.state, to.country],
  ].flatMap((part) => (part ? toLine(part) : []));

const nameOf = ({ productName, variantName }: Confirmed["lines"][number]) =>
  variantName === productName ? productName : `${productName}, ${variantName}`;

function text(order: Confirmed, shop: string): string {
  const lines = order.lines.map(
    (line) => `${line.quantity} x ${nameOf(line)} (${line.sku}): ${formatMoney(line.total)}`,
  );
  const foot = sums(order).map(([name, sum]) => `${name}: ${sum}`);
  const parts = [[thanks(order, shop)], lines, foot, ["Shipping address:", ...addressOf(order)]];
  return `${parts.map((part) => part.join("\n")).join("\n\n")}\n`;
}

const cell = "padding:8px 0;border-bottom:1px solid #e5e5e5";

function page(order: Confirmed, shop: string): Html {
  const line = (item: Confirmed["lines"][number]) => html`
    <tr><td style="${cell}">${item.quantity} × ${nameOf(item)}<br><small>${item.sku}</small></td>
    <td style="${cell};text-align:right">${formatMoney(item.total)}</td></tr>`;
  const sum = ([name, value]: [string, string]) => html`
    <tr><td style="padding:4px 0">${name}</td><td style="padding:4px 0;text-align:right">${value}</td></tr>`;
  const content = html`<p>${thanks(order, shop)}</p>
<table style="width:100%;border-collapse:collapse">${order.lines.map(line)}${sums(order).map(sum)}</table>
<p><strong>Shipping address</strong><br>${addressOf(order).map((part) => html`${part}<br>`)}</p>`;
  return layout({ title: `Order ${order.number}`, heading: shop }, content);
}

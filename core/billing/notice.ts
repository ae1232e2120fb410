import { eq } from "drizzle-orm";
import * as z from "zod";
import { planOf } from "../entitlement/index.js";
import { MemberId, memberTable } from "../identity/identity.sql.js";
import { read } from "../kernel/db.js";
import { defineJob } from "../kernel/job/index.js";
import { html } from "../kernel/mail/html.js";
import { layout } from "../kernel/mail/layout.js";
import { Mails } from "../mail/index.js";
import { stripeFor, withRetry } from "../stripe/index.js";
import { type BillingAccount, loadAccount } from "./account.js";
import { billingStateOf, dueAt, stepKinds, stepsOf } from "./status.js";
import { sync } from "./sync.js";

export const Notice = z.object({
  memberId: MemberId,
  /** The instant since which the tenant owes, which identifies the debt. `kind` and `number`: the step of dunning. */
  since: z.string(),
  kind: z.enum(stepKinds),
  number: z.int(),
});
export type Notice = z.output<typeof Notice>;

export const noticeMailJob = defineJob("billing.notice-mail", Notice);

/**
 * Sends an owner the notice of one step of dunning. Stripe is asked once more first, so that a tenant that has paid
 * gets no notice. The mail carries the id of its job, by which a provider or a reader recognizes the second copy that a
 * crash may cause.
 */
export async function sendNotice(notice: Notice, job: { id: string }): Promise<void> {
  await sync();
  const account = await loadAccount();
  const { row, tenant, now } = account;
  const stand = billingStateOf(row, planOf(row.plan).dunning, now);
  if (stand.since === null || Date.parse(stand.since) !== Date.parse(notice.since)) return;
  const [owner] = await read((q) =>
    q
      .select({ email: memberTable.email, name: memberTable.name, status: memberTable.status })
      .from(memberTable)
      .where(eq(memberTable.id, notice.memberId)),
  );
  if (owner?.status !== "active") return;
  const { subject, lines } = noticeText(notice, account);
  const link = await payLink(account);
  const greeting = `Hello ${owner.name},`;
  const text = [greeting, ...lines, ...(link ? [`Pay here: ${link}`] : [])].join("\n\n");
  const content = html`<p>${greeting}</p>${lines.map((line) => html`<p>${line}</p>`)}
${link ? html`<p><a href="${link}">Pay now</a></p>` : ""}`;
  const page = layout({ title: subject, heading: tenant.name }, content);
  await Mails.deliver({ id: job.id, to: owner.email, subject, text: `${text}\n`, html: page.toString() });
}

/** The page at Stripe where the oldest open invoice is paid. */
async function payLink({ row }: BillingAccount): Promise<string | undefined> {
  if (row.customer === null || row.livemode === null || row.pastDueSince === null) return undefined;
  const { customer } = row;
  const stripe = await stripeFor(row.livemode);
  const { data } = await withRetry(() => stripe.invoices.list({ customer, status: "open", limit: 100 }));
  return data.toSorted((a, b) => a.created - b.created)[0]?.hosted_invoice_url ?? undefined;
}

const day = (instant: string) => `${instant.slice(0, 10)} (UTC)`;

function noticeText({ kind, since }: Notice, { row, now, tenant: { name: shop } }: BillingAccount) {
  const plan = planOf(row.plan);
  const dateOf = (wanted: Notice["kind"]) => {
    const step = stepsOf(plan.dunning).find((one) => one.kind === wanted);
    return step ? day(dueAt(since, step)) : "";
  };
  const onTrial = row.pastDueSince === null;
  const remedy = onTrial
    ? "Choose a plan under Billing in the settings of your shop."
    : "Pay the open invoice or add another card under Billing in the settings of your shop.";
  const reason = onTrial
    ? `The trial of ${shop} ${Date.parse(since) > now ? "ends" : "ended"} on ${day(since)}.`
    : `We could not collect the payment for the plan ${plan.name} of ${shop}. It has been due since ${day(since)}.`;
  const texts: Record<Notice["kind"], { subject: string; lines: string[] }> = {
    reminder: {
      subject: onTrial ? `The trial of ${shop}` : `Payment due for ${shop}`,
      lines: [
        reason,
        remedy,
        `Until ${dateOf("read_only")} everything works as usual. After that your staff can view data but not change it, and on ${dateOf("suspended")} the shop closes to shoppers.`,
      ],
    },
    read_only: {
      subject: `${shop} is read-only`,
      lines: [
        reason,
        `Your staff can view data but not change it. Shoppers can still buy until ${dateOf("suspended")}.`,
        remedy,
      ],
    },
    suspended: {
      subject: `${shop} is suspended`,
      lines: [
        reason,
        "The shop is closed to shoppers. All your data is kept, and the shop reopens when you pay.",
        remedy,
      ],
    },
    closing: {
      subject: `${shop} is closing`,
      lines: [reason, "Your data is still kept. To keep the shop, act now.", remedy],
    },
  };
  return texts[kind];
}

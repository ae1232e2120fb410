export * as Mails from "./index.js";

import { createHash } from "node:crypto";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import * as z from "zod";
import type { PlanCode } from "../entitlement/entitlement.sql.js";
import { planCode } from "../entitlement/index.js";
import { memberTable } from "../identity/identity.sql.js";
import { tenantId } from "../kernel/actor.js";
import { config } from "../kernel/config.js";
import { db, queryPlatform, read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { Mail, type Message } from "../kernel/mail/index.js";
import { pageQuery } from "../kernel/page.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { MAIL_RETENTION_DAYS, MailId, mailStatuses, mailTable, suppressionReasons } from "./mail.sql.js";

/** Mails to one address within an hour, from all tenants together. */
export const MAILS_PER_RECIPIENT = 10;
/** Mails of one tenant within a day, by its plan. */
const MAILS_PER_DAY: Readonly<Record<PlanCode, number>> = {
  sandbox: 200,
  trial: 500,
  starter: 2_000,
  growth: 10_000,
  scale: 100_000,
};
/** Mails of the whole platform within an hour: beyond it they wait, because the sender's reputation is at risk. */
const MAILS_PER_HOUR = 50_000;

type Status = (typeof mailStatuses)[number];
type Reason = (typeof suppressionReasons)[number];
interface Decision {
  status: Status;
  reason: Reason | null;
}

/** Runs when the brake of the platform holds a mail back; set by the entry, because the domain knows no metrics. */
let reportBrake = (): void => undefined;
export const setBrakeReport = (run: typeof reportBrake) => {
  reportBrake = run;
};

/**
 * Sends a mail of a job, or stores it with the reason why it is not sent: the one function that decides who may be
 * written to. A job that runs again finds the first decision, and takes no second token.
 * @throws Error when the platform's brake holds it back, so that its job is tried again
 */
export async function deliver(message: Message): Promise<Decision> {
  const mailId = MailId.parse(`mai${message.id.slice(3)}`);
  const decision = (await findDecision(mailId)) ?? (await decide(message));
  const { to: recipient, subject, text } = message;
  await db((tx) =>
    tx
      .insert(mailTable)
      .values({ id: mailId, recipient, subject, text, ...decision })
      .onConflictDoNothing(),
  );
  if (decision.status === "suppressed") return decision;
  const done: Decision = (await Mail.send(message)) ? { status: "sent", reason: null } : suppressed("undeliverable");
  await db((tx) => tx.update(mailTable).set(done).where(eq(mailTable.id, mailId)));
  return done;
}

async function findDecision(mailId: string): Promise<Decision | undefined> {
  const [found] = await read((q) =>
    q.select({ status: mailTable.status, reason: mailTable.reason }).from(mailTable).where(eq(mailTable.id, mailId)),
  );
  return found;
}

const suppressed = (reason: Reason): Decision => ({ status: "suppressed", reason });

async function decide({ to }: Message): Promise<Decision> {
  const [tenant] = await read((q) =>
    q
      .select({
        livemode: tenantTableRoot.livemode,
        plan: planCode,
        isMember: sql<boolean>`exists (${q
          .select({ one: sql`1` })
          .from(memberTable)
          .where(and(eq(memberTable.status, "active"), eq(sql`lower(${memberTable.email})`, to.toLowerCase())))})`,
      })
      .from(tenantTableRoot),
  );
  if (!tenant) throw new Error("The tenant of the mail does not exist.");
  if (!tenant.livemode && !tenant.isMember) return suppressed("test_mode");
  const hour = 3_600;
  const recipient = config.MAIL_RECIPIENT_LIMIT ?? MAILS_PER_RECIPIENT;
  if (!(await take(`mail-recipient:${keyOf(to)}`, recipient, hour))) return suppressed("recipient_limit");
  const perDay = MAILS_PER_DAY[tenant.plan as PlanCode] ?? MAILS_PER_DAY.trial;
  // Members are told of their own shop also when it has sent too much.
  if (!tenant.isMember && !(await take(`mail-tenant:${tenantId()}`, perDay, 24 * hour)))
    return suppressed("tenant_limit");
  if (!(await take("mail-platform:", MAILS_PER_HOUR, hour))) {
    reportBrake();
    throw new Error("The platform sends no more mails at the moment.");
  }
  return { status: "sending", reason: null };
}

/** An address is personal data, so that the bucket has its hash only. */
const keyOf = (address: string) => createHash("sha256").update(address.toLowerCase()).digest("base64url").slice(0, 22);

/** Takes one of `count` tokens that come back within so many seconds. */
async function take(bucket: string, count: number, seconds: number): Promise<boolean> {
  const [rows] = await queryPlatform(["take_token", bucket, count, count / seconds, 1]);
  return (rows as { granted: boolean }[])[0]?.granted === true;
}

export const MailRecord = z
  .object({
    id: MailId,
    recipient: z.string(),
    subject: z.string(),
    text: z.string(),
    status: z.enum(mailStatuses),
    reason: z
      .enum(suppressionReasons)
      .nullable()
      .meta({ description: "The reason why a mail was not sent. `test_mode`: in test mode only members get mail" }),
    createdAt: z.string(),
  })
  .meta({ id: "Mail" });
export const MailPage = pageQuery({ status: z.enum(mailStatuses).optional() });

const view = {
  id: mailTable.id,
  recipient: mailTable.recipient,
  subject: mailTable.subject,
  text: mailTable.text,
  status: mailTable.status,
  reason: mailTable.reason,
  createdAt: mailTable.createdAt,
};

/** Lists the mails, the newest first. */
export const list = fn(MailPage, (page) =>
  listById(
    {
      name: "mails",
      id: mailTable.id,
      order: "desc",
      where: page.status ? eq(mailTable.status, page.status) : undefined,
    },
    page,
    (q) => q.select(view).from(mailTable).$dynamic(),
  ),
);

/** Deletes mails after their time. @returns how many */
export const deleteOld = (limit = 1_000): Promise<number> =>
  db(async (tx) => {
    const old = tx
      .select({ id: mailTable.id })
      .from(mailTable)
      .where(lt(mailTable.createdAt, sql`now() - make_interval(days => ${MAIL_RETENTION_DAYS})`))
      .orderBy(mailTable.createdAt)
      .limit(limit)
      .for("update", { skipLocked: true });
    return (await tx.delete(mailTable).where(inArray(mailTable.id, old)).returning({ id: mailTable.id })).length;
  });

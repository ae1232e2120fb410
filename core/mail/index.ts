export * as Mails from "./index.js";

import { createHash } from "node:crypto";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import * as z from "zod";
import { param, prepared } from "../../drizzle/prepared.js";
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
import { insertJson, rowsToJson } from "../kernel/rows.js";
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
  const { to: recipient, subject, text } = message;
  const [[found], [sender]] = await read(
    (q) => [decisionQuery(q, { mailId }), senderQuery(q, { recipient: recipient.toLowerCase() })] as const,
  );
  if (!sender) throw new Error("The tenant of the mail does not exist.");
  const decision = found ?? (await decide(recipient, sender));
  const mail = rowsToJson(mailTable, [{ id: mailId, recipient, subject, text, ...decision }]);
  if (!found) await read((q) => insertMail(q, { mail }));
  if (decision.status === "suppressed") return decision;
  const done: Decision = (await Mail.send(message)) ? { status: "sent", reason: null } : suppressed("undeliverable");
  await read((q) => changeDecision(q, { mailId, ...done }));
  return done;
}

const decisionQuery = prepared((q, { mailId }: { mailId: string }) =>
  q
    .select({ status: mailTable.status, reason: mailTable.reason })
    .from(mailTable)
    .where(eq(mailTable.id, param(mailId, mailTable.id))),
);

const senderQuery = prepared((q, { recipient }: { recipient: string }) =>
  q
    .select({
      livemode: tenantTableRoot.livemode,
      plan: planCode,
      /** Whether the mail goes to the tenant's own staff. */
      isMember: sql<boolean>`exists (${q
        .select({ one: sql`1` })
        .from(memberTable)
        .where(and(eq(memberTable.status, "active"), sql`lower(${memberTable.email}) = ${recipient}`))})`,
    })
    .from(tenantTableRoot),
);

const columns = ["id", "recipient", "subject", "text", "status", "reason"] as const;
const insertMail = prepared((q, { mail }: { mail: string }) =>
  insertJson(q, mailTable, columns, mail).onConflictDoNothing(),
);

const changeDecision = prepared((q, { mailId, status, reason }: { mailId: string } & Decision) =>
  q
    .with()
    .update(mailTable)
    .set({ status, reason })
    .where(eq(mailTable.id, param(mailId, mailTable.id))),
);

const suppressed = (reason: Reason): Decision => ({ status: "suppressed", reason });

type Sender = Pick<typeof tenantTableRoot.$inferSelect, "livemode"> & { plan: string; isMember: boolean };

async function decide(to: string, { livemode, plan, isMember }: Sender): Promise<Decision> {
  if (!livemode && !isMember) return suppressed("test_mode");
  const refused = await takeFromAll([
    {
      of: "recipient_limit",
      bucket: `mail-recipient:${keyOf(to)}`,
      count: config.MAIL_RECIPIENT_LIMIT ?? MAILS_PER_RECIPIENT,
      seconds: HOUR,
    },
    // Members are told of their own shop also when it has sent too much.
    ...(isMember
      ? []
      : [
          {
            of: "tenant_limit",
            bucket: `mail-tenant:${tenantId()}`,
            count: MAILS_PER_DAY[plan as PlanCode] ?? MAILS_PER_DAY.trial,
            seconds: 24 * HOUR,
          } as const,
        ]),
    { of: "platform_limit", bucket: "mail-platform:", count: MAILS_PER_HOUR, seconds: HOUR },
  ]);
  if (refused === undefined) return { status: "sending", reason: null };
  if (refused !== "platform_limit") return suppressed(refused);
  reportBrake();
  throw new Error("The platform sends no more mails at the moment.");
}

const HOUR = 3_600;

/** Tokens that come back within so many seconds. */
interface Limit {
  of: Reason | "platform_limit";
  bucket: string;
  count: number;
  seconds: number;
}

/**
 * Takes a token from each, in one message; a mail that one of them refuses gives those of the others back.
 * @returns the first that refuses
 */
async function takeFromAll(limits: readonly Limit[]): Promise<Limit["of"] | undefined> {
  const call = ({ bucket, count, seconds }: Limit, cost: number) =>
    ["take_token", bucket, count, count / seconds, cost] as const;
  const answers = await queryPlatform(...limits.map((limit) => call(limit, 1)));
  const isGranted = limits.map((_, index) => (answers[index] as { granted: boolean }[])[0]?.granted === true);
  const taken = limits.filter((_, index) => isGranted[index]);
  if (taken.length === limits.length) return undefined;
  if (taken.length > 0) await queryPlatform(...taken.map((limit) => call(limit, -1)));
  return limits[isGranted.indexOf(false)]?.of;
}

/** An address is personal data, so that the bucket has its hash only. */
const keyOf = (address: string) => createHash("sha256").update(address.toLowerCase()).digest("base64url").slice(0, 22);

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
export const MailPage = pageQuery({ status: z.enum(mailStatuses).optional().describe("Mails in this status only") });

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

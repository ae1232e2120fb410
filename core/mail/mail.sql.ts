import { sql } from "drizzle-orm";
import { check, index, text } from "drizzle-orm/pg-core";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const MailId = id("mai");

export const mailStatuses = ["sending", "sent", "suppressed"] as const;
export const suppressionReasons = ["test_mode", "recipient_limit", "tenant_limit", "undeliverable"] as const;

/** Days for which a mail is kept. */
export const MAIL_RETENTION_DAYS = 30;

/** The mails of a tenant, also those that were not sent, with the reason. */
export const mailTable = tenantTable(
  "mail",
  {
    /** Made from the id of the job that sends it, so that a job that runs again finds its mail. */
    id: MailId.column("id").notNull(),
    recipient: text("recipient").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    status: text("status", { enum: mailStatuses }).notNull(),
    reason: text("reason", { enum: suppressionReasons }),
  },
  (self) => [
    index("mail_status_id").on(self.tenantId, self.status, self.id),
    check("mail_status", sql`status in ('sending', 'sent', 'suppressed')`),
  ],
  { due: (self) => ({ at: self.createdAt, after: `${MAIL_RETENTION_DAYS} days` }) },
);

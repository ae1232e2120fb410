import { sql } from "drizzle-orm";
import { check, index, integer, jsonb, text, uniqueIndex } from "drizzle-orm/pg-core";
import { instant } from "../../../drizzle/column.js";
import { tenantTable } from "../../../drizzle/table.js";
import { id } from "../id.js";

export const JobId = id("job");

export const jobStatuses = ["queued", "running", "succeeded", "failed"] as const;

/** Work that calls another service: inserted in the transaction that requires it, sent to its queue by the relay. */
export const jobTable = tenantTable(
  "job",
  {
    id: JobId.column("id").notNull(),
    name: text("name").notNull(),
    payload: jsonb("payload").notNull().$type<Record<string, unknown>>(),
    status: text("status", { enum: jobStatuses }).notNull().default("queued"),
    /** At most one job of a name and key is ever made. */
    uniqueKey: text("unique_key"),
    progressDone: integer("progress_done").notNull().default(0),
    progressTotal: integer("progress_total").notNull().default(1),
    attempts: integer("attempts").notNull().default(0),
    maxAttempts: integer("max_attempts").notNull().default(8),
    dueAt: instant("due_at").notNull().default(sql`now()`),
    /** The instant at which the relay last sent the pointer, which it sends again when no worker takes the job. */
    sentAt: instant("sent_at"),
    leaseUntil: instant("lease_until"),
    lastError: text("last_error"),
    requestId: text("request_id").notNull(),
    traceparent: text("traceparent"),
    finishedAt: instant("finished_at"),
  },
  (self) => [
    // Not led by tenant_id: the relay serves all tenants.
    index("job_due").on(self.dueAt).where(sql`status in ('queued', 'running')`),
    index("job_status_id").on(self.tenantId, self.status, self.id),
    uniqueIndex("job_unique_key").on(self.tenantId, self.name, self.uniqueKey),
    check("job_payload_size", sql`octet_length(payload::text) <= 65536`),
    check("job_status", sql`status in ('queued', 'running', 'succeeded', 'failed')`),
  ],
  {
    relay: {
      select: [
        "tenantId",
        "id",
        "name",
        "status",
        "dueAt",
        "sentAt",
        "leaseUntil",
        "requestId",
        "traceparent",
        "createdAt",
      ],
      update: ["updatedAt", "sentAt"],
    },
  },
);

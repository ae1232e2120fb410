import { index, integer, jsonb, text } from "drizzle-orm/pg-core";
import { tenantTable } from "../../drizzle/table.js";

/** Hours for which the answer to a write is kept. */
export const RETENTION_HOURS = 72;

/** Answers to writes, stored in the transaction of their effect. */
export const idempotencyTable = tenantTable(
  "idempotency_key",
  {
    /** `principal key`: the caller, and the caller's idempotency key. */
    id: text("id").notNull(),
    /** SHA-256 of method, route and body. */
    fingerprint: text("fingerprint").notNull(),
    status: integer("status").notNull(),
    headers: jsonb("headers").notNull().$type<Record<string, string>>(),
    /** Byte for byte; encrypted when it carries a secret. */
    body: text("body").notNull(),
  },
  (self) => [index("idempotency_key_age").on(self.tenantId, self.createdAt)],
  { due: (self) => ({ at: self.createdAt, after: `${RETENTION_HOURS} hours` }) },
);

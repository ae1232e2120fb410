import { index, integer, jsonb, text } from "drizzle-orm/pg-core";
import { tenantTable } from "../../drizzle/table.js";

/** Answers to writes, stored in the transaction of their effect and kept for 72 hours. */
export const idempotencyTable = tenantTable(
  "idempotency_key",
  {
    /** `principal key`: who asked, and the key that they gave. */
    id: text("id").notNull(),
    /** SHA-256 of method, route and body. */
    fingerprint: text("fingerprint").notNull(),
    status: integer("status").notNull(),
    headers: jsonb("headers").notNull().$type<Record<string, string>>(),
    /** Byte for byte; encrypted when it carries a secret. */
    body: text("body").notNull(),
  },
  (self) => [index("idempotency_key_age").on(self.tenantId, self.createdAt)],
);

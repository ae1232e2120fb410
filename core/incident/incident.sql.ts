import { sql } from "drizzle-orm";
import { check, index, jsonb, text, unique } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const IncidentId = id("inc");

/** A difference that no program can repair: a person must review it. */
export const incidentTable = tenantTable(
  "incident",
  {
    id: IncidentId.column("id").notNull(),
    kind: text("kind").notNull(),
    /** The id of the affected object; an incident of a kind and a reference is opened once. */
    reference: text("reference").notNull(),
    status: text("status", { enum: ["open", "resolved"] })
      .notNull()
      .default("open"),
    data: jsonb("data").notNull().$type<Record<string, unknown>>(),
    resolvedAt: instant("resolved_at"),
    resolution: text("resolution"),
  },
  (self) => [
    unique("incident_reference").on(self.tenantId, self.kind, self.reference),
    index("incident_kind").on(self.tenantId, self.kind, self.id),
    index("incident_status").on(self.tenantId, self.status, self.id),
    check("incident_status_known", sql`status in ('open', 'resolved')`),
  ],
);

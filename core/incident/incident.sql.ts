import { sql } from "drizzle-orm";
import { check, index, jsonb, text, unique } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const IncidentId = id("inc");

/** A difference that the system cannot heal: somebody must look at it. */
export const incidentTable = tenantTable(
  "incident",
  {
    id: IncidentId.column("id").notNull(),
    kind: text("kind").notNull(),
    /** What it is about; with the kind it is opened once. */
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
    index("incident_status").on(self.tenantId, self.status, self.id),
    check("incident_status_known", sql`status in ('open', 'resolved')`),
  ],
);

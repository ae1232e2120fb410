export * as Incident from "./index.js";

import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { db, read } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { pageQuery } from "../kernel/page.js";
import { statement } from "../kernel/text.js";
import { IncidentId, incidentTable } from "./incident.sql.js";

export { IncidentId } from "./incident.sql.js";

const IncidentStatus = z.enum(incidentTable.status.enumValues);
export const IncidentRecord = z
  .object({
    id: IncidentId,
    kind: z.string().meta({ examples: ["dispute.unknown_payment"] }),
    reference: z.string().meta({ description: "The id or reference of the affected object" }),
    status: IncidentStatus,
    data: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
    resolvedAt: z.string().nullable(),
    resolution: z.string().nullable(),
  })
  .meta({ id: "Incident", description: "A discrepancy that the system cannot repair and a person must review." });

const told = z.object({ incidentId: IncidentId, kind: z.string(), reference: z.string() });
export const IncidentOpened = defineEvent("incident.opened", told);
export const IncidentResolved = defineEvent("incident.resolved", told.extend({ resolution: z.string() }));
export const events = [IncidentOpened, IncidentResolved];

const view = {
  id: incidentTable.id,
  kind: incidentTable.kind,
  reference: incidentTable.reference,
  status: incidentTable.status,
  data: incidentTable.data,
  createdAt: incidentTable.createdAt,
  resolvedAt: incidentTable.resolvedAt,
  resolution: incidentTable.resolution,
};

/**
 * Opens an incident in the open transaction: once for a kind and a reference as long as it is open. A resolved incident
 * opens again with the new data, because a difference that happens again was not resolved; the resolution that did not
 * hold stays in the events.
 * @returns whether it was opened now
 */
export const open = (kind: string, reference: string, data: Record<string, unknown>): Promise<boolean> =>
  db(async (tx) => {
    const [opened] = await tx
      .insert(incidentTable)
      .values({ id: IncidentId.create(), kind, reference, data })
      .onConflictDoUpdate({
        target: [incidentTable.tenantId, incidentTable.kind, incidentTable.reference],
        set: { status: "open", data: sql`excluded.data`, resolvedAt: null, resolution: null },
        setWhere: eq(incidentTable.status, "resolved"),
      })
      .returning({ id: incidentTable.id });
    if (opened) emit(IncidentOpened, { incidentId: opened.id, kind, reference });
    return opened !== undefined;
  });

/** Resolves an open incident, and emits the event of it. */
const closeIncidents = (which: ReturnType<typeof and>, resolution: string) =>
  db(async (tx) => {
    const [ended] = await tx
      .update(incidentTable)
      .set({ status: "resolved", resolution, resolvedAt: sql`now()` })
      .where(and(which, eq(incidentTable.status, "open")))
      .returning(view);
    if (!ended) return undefined;
    const { id: incidentId, kind, reference } = ended;
    emit(IncidentResolved, { incidentId, kind, reference, resolution });
    return ended;
  });

/** Resolves an incident whose difference is gone, if one is open: no person has to review it any more. */
export const resolveAutomatically = (kind: string, reference: string, resolution: string) =>
  closeIncidents(and(eq(incidentTable.kind, kind), eq(incidentTable.reference, reference)), resolution);

export const Resolution = z.strictObject({
  resolution: statement(2000).meta({ description: "How the incident was resolved" }),
});

/** Resolves an incident by the words of a reviewer. @throws Failure not_found, or conflict when it is resolved */
export const resolve = fn(z.object({ id: IncidentId, resolution: z.string() }), ({ id: incidentId, resolution }) =>
  db(async () => {
    const ended = await closeIncidents(eq(incidentTable.id, incidentId), resolution);
    if (ended) return ended;
    await get(incidentId);
    throw conflict("incident.resolved", "The incident is already resolved.");
  }),
);

export const IncidentPage = pageQuery({
  status: IncidentStatus.optional().describe("Incidents in this status only"),
  kind: z.string().max(100).optional().describe("Incidents of this kind only: payment.difference"),
});

/** Lists incidents, the newest first. */
export const list = fn(IncidentPage, (page) =>
  listById(
    {
      name: "incidents",
      id: incidentTable.id,
      order: "desc",
      where: and(
        page.status && eq(incidentTable.status, page.status),
        page.kind === undefined ? undefined : eq(incidentTable.kind, page.kind),
      ),
    },
    page,
    (q) => q.select(view).from(incidentTable).$dynamic(),
  ),
);

export const get = fn(IncidentId, async (incidentId) => {
  const [incident] = await read((q) => q.select(view).from(incidentTable).where(eq(incidentTable.id, incidentId)));
  if (!incident) throw notFound("incident");
  return incident;
});

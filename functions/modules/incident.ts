import * as z from "zod";
import { incidentTable } from "../../core/incident/incident.sql.js";
import { Incident } from "../../core/incident/index.js";
import { defineScope } from "../../core/kernel/access.js";
import { on } from "../../core/kernel/event/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import { count, log } from "../log.js";
import type { Module } from "./module.js";

const readIncidents = defineScope("incidents:read", "ADMIN");
const writeIncidents = defineScope("incidents:write", "ADMIN");

const params = z.object({ id: Incident.IncidentId });

const routes = [
  endpoint(
    "get",
    "/v1/admin/incidents",
    {
      allow: readIncidents,
      query: Incident.IncidentPage,
      returns: [200, listOf(Incident.IncidentRecord)],
      summary: "List incidents",
    },
    ({ query }) => Incident.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/incidents/{id}",
    { allow: readIncidents, params, returns: [200, Incident.IncidentRecord], summary: "Get an incident" },
    ({ params: { id } }) => Incident.get(id),
  ),
  endpoint(
    "post",
    "/v1/admin/incidents/{id}/resolve",
    {
      allow: writeIncidents,
      params,
      body: Incident.Resolution,
      returns: [200, Incident.IncidentRecord],
      summary: "Resolve an incident",
      description: "Records what was done. The incident opens again if its cause occurs again.",
    },
    ({ params: { id }, body }) => Incident.resolve({ id, ...body }),
  ),
];

export const incident: Module = {
  name: "incident",
  scopes: [readIncidents, writeIncidents],
  tables: [incidentTable],
  routes,
  events: Incident.events,
  subscribers: [
    // An alarm watches the metric; the line in the log says which incident it is.
    on(Incident.IncidentOpened, "incident.alarm", async ({ data }) => {
      count("IncidentsOpened");
      log.error("incident opened", data);
    }),
  ],
  alarms: [
    {
      name: "Incidents",
      metric: "IncidentsOpened",
      statistic: "Sum",
      threshold: 0,
      description: "An incident was opened: a discrepancy that the system cannot repair.",
      action: "Read the tenants' incidents.",
    },
  ],
};

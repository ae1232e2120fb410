import * as z from "zod";
import { defineScope } from "../../core/kernel/access.js";
import { SLICE } from "../../core/kernel/due.js";
import { eventTable, inboxTable } from "../../core/kernel/event/event.sql.js";
import { Event } from "../../core/kernel/event/index.js";
import { deleteOldEvents } from "../../core/kernel/event/retention.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readEvents = defineScope("events:read", "ADMIN");

const routes = [
  endpoint(
    "get",
    "/v1/admin/events",
    { allow: readEvents, query: Event.EventPage, returns: [200, listOf(Event.EventRecord)], summary: "List events" },
    ({ query }) => Event.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/events/{id}",
    {
      allow: readEvents,
      params: z.object({ id: Event.EventId }),
      returns: [200, Event.EventRecord],
      summary: "Get an event",
    },
    ({ params }) => Event.get(params.id),
  ),
];

export const event: Module = {
  name: "event",
  scopes: [readEvents],
  tables: [eventTable, inboxTable],
  routes,
  sweeps: [{ name: "event.forget", run: deleteOldEvents, slice: SLICE }],
  alarms: [
    {
      name: "OutboxAge",
      metric: "OutboxOldestAge",
      threshold: 120,
      lasting: true,
      requiresData: true,
      description: "Events wait to be published, or the relay does not run (it reports this metric).",
      action: "Read the log of the relay.",
    },
    {
      name: "OutboxDead",
      metric: "OutboxDead",
      threshold: 0,
      description: "The bus refused events 10 times, and the relay has given them up.",
      action: "Read event.last_error.",
    },
    {
      name: "TenantMismatch",
      metric: "MessagesDiscarded",
      dimensions: { reason: "tenant_mismatch" },
      statistic: "Sum",
      threshold: 0,
      description: "A message names an event or job that its tenant does not have: it is forged or misrouted.",
      action: 'Search the log for "message discarded", and find out who may send to the queue.',
    },
  ],
};

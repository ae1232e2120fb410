import * as z from "zod";
import { Event } from "../../core/kernel/event/index.js";
import { Job } from "../../core/kernel/job/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";

export const eventRoutes = [
  endpoint(
    "get",
    "/v1/admin/events",
    { allow: "events:read", query: Event.EventPage, returns: [200, listOf(Event.EventRecord)], summary: "List events" },
    ({ query }) => Event.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/events/{id}",
    {
      allow: "events:read",
      params: z.object({ id: Event.EventId }),
      returns: [200, Event.EventRecord],
      summary: "Read an event",
    },
    ({ params }) => Event.get(params.id),
  ),
];

export const jobRoutes = [
  endpoint(
    "get",
    "/v1/admin/jobs",
    { allow: "jobs:read", query: Job.JobPage, returns: [200, listOf(Job.JobRecord)], summary: "List jobs" },
    ({ query }) => Job.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/jobs/{id}",
    { allow: "jobs:read", params: z.object({ id: Job.JobId }), returns: [200, Job.JobRecord], summary: "Read a job" },
    ({ params }) => Job.get(params.id),
  ),
];

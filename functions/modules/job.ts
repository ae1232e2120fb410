import * as z from "zod";
import { defineScope } from "../../core/kernel/access.js";
import { Job } from "../../core/kernel/job/index.js";
import { jobTable } from "../../core/kernel/job/job.sql.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readJobs = defineScope("jobs:read", "ADMIN");

const routes = [
  endpoint(
    "get",
    "/v1/admin/jobs",
    { allow: readJobs, query: Job.JobPage, returns: [200, listOf(Job.JobRecord)], summary: "List jobs" },
    ({ query }) => Job.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/jobs/{id}",
    { allow: readJobs, params: z.object({ id: Job.JobId }), returns: [200, Job.JobRecord], summary: "Get a job" },
    ({ params }) => Job.get(params.id),
  ),
];

export const job: Module = {
  name: "job",
  scopes: [readJobs],
  tables: [jobTable],
  routes,
};

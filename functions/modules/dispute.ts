import * as z from "zod";
import { disputeTable } from "../../core/dispute/dispute.sql.js";
import { Dispute } from "../../core/dispute/index.js";
import { disputeHandlers } from "../../core/dispute/sync.js";
import { handle } from "../../core/kernel/job/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readPayments } from "./payment.js";

const routes = [
  endpoint(
    "get",
    "/v1/admin/disputes",
    {
      allow: readPayments,
      query: Dispute.DisputePage,
      returns: [200, listOf(Dispute.DisputeRecord)],
      summary: "List disputes, nearest deadline first",
    },
    ({ query }) => Dispute.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/disputes/{id}",
    {
      allow: readPayments,
      params: z.object({ id: Dispute.DisputeId }),
      returns: [200, Dispute.DisputeRecord],
      summary: "Get a dispute",
    },
    ({ params: { id } }) => Dispute.get(id),
  ),
];

export const dispute: Module = {
  name: "dispute",
  tables: [disputeTable],
  routes,
  ledgerKinds: Dispute.disputeLedgerKinds,
  ledgerAccounts: Dispute.disputeLedgerAccounts,
  events: Dispute.events,
  jobs: [handle(Dispute.evidenceDueJob, Dispute.remindOfEvidence)],
  stripe: disputeHandlers,
};

import * as z from "zod";
import { defineScope } from "../../core/kernel/access.js";
import { on } from "../../core/kernel/event/index.js";
import { enqueue, handle } from "../../core/kernel/job/index.js";
import { endpoint } from "../../functions/http/endpoint.js";
import { count } from "../../functions/log.js";
import type { Module } from "../../functions/modules/module.js";
import { Loyalty } from "./index.js";
import { LoyaltyAccountId, loyaltyAccountTable, loyaltyEntryTable } from "./loyalty.sql.js";
import { loyaltyProvider } from "./provider.js";

const readLoyalty = defineScope("loyalty:read", "MEMBER");
const writeLoyalty = defineScope("loyalty:write", "ADMIN");

const path = "/v1/admin/loyalty-accounts";
const params = z.strictObject({ id: LoyaltyAccountId });

const routes = [
  endpoint(
    "post",
    path,
    {
      allow: writeLoyalty,
      body: Loyalty.create.schema,
      returns: [201, Loyalty.LoyaltyAccount],
      summary: "Create a loyalty account",
    },
    ({ body }) => Loyalty.create(body),
  ),
  endpoint(
    "get",
    `${path}/{id}`,
    { allow: readLoyalty, params, returns: [200, Loyalty.LoyaltyAccount], summary: "Get a loyalty account" },
    ({ params }) => Loyalty.get(params.id),
  ),
  endpoint(
    "post",
    `${path}/{id}/points`,
    {
      allow: writeLoyalty,
      params,
      body: Loyalty.Award,
      returns: [200, Loyalty.LoyaltyAccount],
      idempotency: "required",
      summary: "Award points",
    },
    ({ params, body }) => Loyalty.award({ accountId: params.id, ...body }),
  ),
];

/** Takes the points that are past their time. An alarm watches the metric. */
async function expire() {
  const accounts = await Loyalty.expire();
  if (accounts > 0) count("LoyaltyAccountsExpired", accounts);
  return accounts;
}

export const loyalty: Module = {
  name: "loyalty",
  scopes: [readLoyalty, writeLoyalty],
  tables: [loyaltyAccountTable, loyaltyEntryTable],
  meters: [Loyalty.loyaltyAccountMeter],
  ledgerKinds: Loyalty.loyaltyLedgerKinds,
  ledgerAccounts: Loyalty.loyaltyLedgerAccounts,
  routes,
  events: [Loyalty.PointsAwarded],
  subscribers: [
    on(Loyalty.PointsAwarded, "loyalty.ledger", ({ data }) => Loyalty.recordAward(data)),
    on(Loyalty.PointsAwarded, "mail.loyalty-award", async ({ data }) =>
      enqueue(Loyalty.awardMailJob, data, { key: data.entryId }),
    ),
  ],
  jobs: [handle(Loyalty.awardMailJob, Loyalty.sendAwardMail)],
  sweeps: [{ name: "loyalty.expire", run: expire }],
  providers: [loyaltyProvider],
  alarms: [
    {
      name: "LoyaltyExpiry",
      metric: "LoyaltyAccountsExpired",
      statistic: "Sum",
      period: 3_600,
      threshold: 1_000,
      description: "The points of more than 1000 accounts expired within an hour.",
      action: "Compare their awards with the terms of the program.",
    },
  ],
};

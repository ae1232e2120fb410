import { listOf } from "../../core/kernel/page.js";
import { Mails } from "../../core/mail/index.js";
import { mailTable } from "../../core/mail/mail.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readSettings } from "./tenant.js";

const routes = [
  endpoint(
    "get",
    "/v1/admin/mails",
    {
      allow: readSettings,
      query: Mails.MailPage,
      returns: [200, listOf(Mails.MailRecord)],
      summary: "List mails, newest first",
      description: "Also those that were not sent, with the reason. In test mode only members get mail.",
    },
    ({ query }) => Mails.list(query),
  ),
];

export const mail: Module = {
  name: "mail",
  tables: [mailTable],
  routes,
  sweeps: [{ name: "mail.forget", run: () => Mails.deleteOld() }],
  alarms: [
    {
      name: "MailBrake",
      metric: "MailsHeldBack",
      statistic: "Sum",
      threshold: 0,
      description: "The platform has sent so many mails within an hour that its brake holds further ones back.",
      action: "Find the tenants that send most in the log, and suspend those that abuse it.",
    },
  ],
};

import * as z from "zod";
import { memberTable } from "../../core/identity/identity.sql.js";
import { Member, memberEvents } from "../../core/identity/member.js";
import { memberMeter } from "../../core/identity/meter.js";
import { defineScope } from "../../core/kernel/access.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readMembers = defineScope("members:read", "MEMBER", { personal: true });
const writeMembers = defineScope("members:write", "OWNER", { onRequestOnly: true });

const params = z.strictObject({ id: Member.MemberId });
const path = "/v1/admin/members";

const routes = [
  endpoint(
    "get",
    path,
    { allow: readMembers, summary: "List members", query: Member.list.schema, returns: [200, Member.MemberList] },
    ({ query }) => Member.list(query),
  ),
  endpoint(
    "post",
    path,
    {
      allow: writeMembers,
      summary: "Create a member",
      description:
        "With an initial password. Emails are unique in a tenant, so a repeated request returns 409 `member.email_taken`.",
      body: Member.create.schema,
      returns: [201, Member.MemberRecord],
      idempotency: "none",
      transaction: "own",
    },
    ({ body }) => Member.create(body),
  ),
  endpoint(
    "get",
    `${path}/{id}`,
    { allow: readMembers, summary: "Get a member", params, returns: [200, Member.MemberRecord] },
    ({ params }) => Member.get(params.id),
  ),
  endpoint(
    "patch",
    `${path}/{id}`,
    {
      allow: writeMembers,
      summary: "Update a member",
      params,
      body: Member.MemberChange,
      returns: [200, Member.MemberRecord],
      endsAccess: true,
      ifMatch: "optional",
    },
    ({ params, body, version }) => Member.update({ ...params, ...body, version }),
  ),
  endpoint(
    "delete",
    `${path}/{id}`,
    { allow: writeMembers, summary: "Remove a member", params, returns: [204], endsAccess: true, ifMatch: "optional" },
    async ({ params, version }) => void (await Member.remove({ ...params, version })),
  ),
];

export const member: Module = {
  name: "member",
  scopes: [readMembers, writeMembers],
  tables: [memberTable],
  meters: [memberMeter],
  routes,
  events: memberEvents,
};

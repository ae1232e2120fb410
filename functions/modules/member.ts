import * as z from "zod";
import { memberTable } from "../../core/identity/identity.sql.js";
import { Member, memberEvents, mirrorMembersJob } from "../../core/identity/member.js";
import { memberMeter } from "../../core/identity/meter.js";
import { mirrorMembers } from "../../core/identity/mirror.js";
import * as SessionList from "../../core/identity/session-list.js";
import { defineScope } from "../../core/kernel/access.js";
import { handle } from "../../core/kernel/job/index.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readMembers = defineScope("members:read", "MEMBER", { personal: true });
const writeMembers = defineScope("members:write", "OWNER", { onRequestOnly: true, personal: true });

const params = z.strictObject({ id: Member.MemberId });
const path = "/v1/admin/members";

const routes = [
  endpoint(
    "get",
    path,
    {
      findsAccess: true,
      allow: readMembers,
      summary: "List members",
      query: Member.list.schema,
      returns: [200, Member.MemberList],
    },
    ({ query }) => Member.list(query),
  ),
  endpoint(
    "post",
    path,
    {
      cost: 10,
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
    {
      allow: writeMembers,
      summary: "Remove a member",
      description:
        "Ends their sessions, and the secret keys that they have created, unless `revokeKeys=false`; the answer names both kinds of keys. " +
        "The twin in test mode follows within seconds. A removed member is added again by creating them with the same email.",
      params,
      query: Member.MemberRemoval,
      returns: [200, Member.RemovedMember],
      endsAccess: true,
      ifMatch: "optional",
    },
    ({ params, query, version }) => Member.remove({ ...params, ...query, version }),
  ),
  endpoint(
    "get",
    `${path}/{id}/sessions`,
    {
      findsAccess: true,
      allow: writeMembers,
      summary: "List the sessions of a member",
      params,
      returns: [200, SessionList.SessionList],
    },
    ({ params }) => SessionList.listOfMember(params.id),
  ),
  endpoint(
    "delete",
    `${path}/{id}/sessions`,
    { allow: writeMembers, summary: "End the sessions of a member", params, returns: [204], endsAccess: true },
    async ({ params }) => void (await SessionList.endOfMember(params.id)),
  ),
];

export const member: Module = {
  name: "member",
  scopes: [readMembers, writeMembers],
  tables: [memberTable],
  meters: [memberMeter],
  routes,
  events: memberEvents,
  jobs: [handle(mirrorMembersJob, mirrorMembers)],
};

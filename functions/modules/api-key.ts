import * as z from "zod";
import { ApiKey, apiKeyEvents } from "../../core/identity/api-key.js";
import { apiKeyTable } from "../../core/identity/identity.sql.js";
import { defineScope } from "../../core/kernel/access.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readKeys = defineScope("keys:read", "ADMIN", { onRequestOnly: true });
const writeKeys = defineScope("keys:write", "ADMIN", { onRequestOnly: true });

const params = z.strictObject({ id: ApiKey.ApiKeyId });
const path = "/v1/admin/api-keys";

const routes = [
  endpoint(
    "get",
    path,
    {
      findsAccess: true,
      allow: readKeys,
      summary: "List API keys",
      query: ApiKey.list.schema,
      returns: [200, ApiKey.ApiKeyList],
    },
    ({ query }) => ApiKey.list(query),
  ),
  endpoint(
    "post",
    path,
    {
      allow: writeKeys,
      summary: "Create an API key",
      description: "The key itself is only returned by this call. A key can only get scopes that the caller has.",
      body: ApiKey.create.schema,
      returns: [201, ApiKey.ApiKeyWithText],
    },
    ({ body }) => ApiKey.create(body),
  ),
  endpoint(
    "get",
    `${path}/{id}`,
    { allow: readKeys, summary: "Get an API key", params, returns: [200, ApiKey.ApiKeyRecord] },
    ({ params }) => ApiKey.get(params.id),
  ),
  endpoint(
    "patch",
    `${path}/{id}`,
    {
      allow: writeKeys,
      summary: "Rename an API key",
      params,
      body: ApiKey.ApiKeyChange,
      returns: [200, ApiKey.ApiKeyRecord],
      ifMatch: "optional",
    },
    ({ params, body, version }) => ApiKey.update({ ...params, ...body, version }),
  ),
  endpoint(
    "post",
    `${path}/{id}/roll`,
    {
      allow: writeKeys,
      summary: "Roll an API key",
      description: "Creates a new key with the same scopes. The old key expires after `overlap` seconds.",
      params,
      body: ApiKey.RollRequest,
      returns: [201, ApiKey.ApiKeyWithText],
      endsAccess: true,
      ifMatch: "optional",
    },
    ({ params, body, version }) => ApiKey.roll({ ...params, ...body, version }),
  ),
  endpoint(
    "delete",
    `${path}/{id}`,
    { allow: writeKeys, summary: "Revoke an API key", params, returns: [204], endsAccess: true, ifMatch: "optional" },
    async ({ params, version }) => void (await ApiKey.revoke({ ...params, version })),
  ),
];

export const apiKey: Module = {
  name: "api-key",
  scopes: [readKeys, writeKeys],
  tables: [apiKeyTable],
  routes,
  events: apiKeyEvents,
};

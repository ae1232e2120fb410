import { defineScope } from "../../core/kernel/access.js";
import { TenantPatch, updateTenant } from "../../core/signup/index.js";
import { Tenant, tenantEvents } from "../../core/tenant/index.js";
import { tenantTableRoot } from "../../core/tenant/tenant.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

export const readSettings = defineScope("settings:read", "MEMBER");
export const writeSettings = defineScope("settings:write", "ADMIN");

const routes = [
  endpoint(
    "get",
    "/v1/admin/tenant",
    { allow: readSettings, summary: "Get the tenant", returns: [200, Tenant.TenantRecord] },
    () => Tenant.get(),
  ),
  endpoint(
    "patch",
    "/v1/admin/tenant",
    {
      allow: writeSettings,
      summary: "Update the tenant",
      body: TenantPatch,
      returns: [200, Tenant.TenantRecord],
      ifMatch: "optional",
    },
    ({ body, version }) => updateTenant({ ...body, version }),
  ),
];

export const tenant: Module = {
  name: "tenant",
  scopes: [readSettings, writeSettings],
  tables: [tenantTableRoot],
  routes,
  events: tenantEvents,
};

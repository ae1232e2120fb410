import { Channel } from "../../core/channel/index.js";
import { Region } from "../../core/region/index.js";
import { Tenant } from "../../core/tenant/index.js";
import { endpoint } from "../http/endpoint.js";

export const tenantRoutes = [
  endpoint(
    "get",
    "/v1/admin/tenant",
    { allow: "settings:read", summary: "Get the tenant", returns: [200, Tenant.TenantRecord] },
    () => Tenant.get(),
  ),
  endpoint(
    "patch",
    "/v1/admin/tenant",
    {
      allow: "settings:write",
      summary: "Change the tenant",
      body: Tenant.TenantChange,
      returns: [200, Tenant.TenantRecord],
    },
    ({ body, version }) => Tenant.update({ ...body, version }),
  ),
  endpoint(
    "get",
    "/v1/admin/regions",
    { allow: "settings:read", summary: "List regions", query: Region.list.schema, returns: [200, Region.RegionList] },
    ({ query }) => Region.list(query),
  ),
  endpoint(
    "get",
    "/v1/admin/channels",
    {
      allow: "settings:read",
      summary: "List channels",
      query: Channel.list.schema,
      returns: [200, Channel.ChannelList],
    },
    ({ query }) => Channel.list(query),
  ),
];

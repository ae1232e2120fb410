import { Region } from "../../core/region/index.js";
import { regionTable } from "../../core/region/region.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readSettings } from "./tenant.js";

const routes = [
  endpoint(
    "get",
    "/v1/admin/regions",
    { allow: readSettings, summary: "List regions", query: Region.list.schema, returns: [200, Region.RegionList] },
    ({ query }) => Region.list(query),
  ),
];

export const region: Module = {
  name: "region",
  tables: [regionTable],
  routes,
};

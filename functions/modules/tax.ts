import { listOf } from "../../core/kernel/page.js";
import { Tax } from "../../core/tax/index.js";
import { taxClassTable, taxRateTable } from "../../core/tax/tax.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readSettings, writeSettings } from "./tenant.js";

const routes = [
  endpoint(
    "get",
    "/v1/admin/tax-classes",
    { allow: readSettings, query: Tax.ClassPage, returns: [200, listOf(Tax.TaxClass)], summary: "List tax classes" },
    ({ query }) => Tax.listClasses(query),
  ),
  endpoint(
    "get",
    "/v1/admin/tax-rates",
    { allow: readSettings, query: Tax.RatePage, returns: [200, Tax.RateList], summary: "List tax rates" },
    ({ query }) => Tax.listRates(query),
  ),
  endpoint(
    "put",
    "/v1/admin/tax-rates",
    {
      allow: writeSettings,
      body: Tax.Rates,
      returns: [200, Tax.RateSet],
      ifMatch: "optional",
      summary: "Replace all tax rates",
      description: "If-Match takes the version of the list, so that the change of another member is not overwritten.",
    },
    ({ body, version }) => Tax.setRates({ ...body, version }),
  ),
];

export const tax: Module = {
  name: "tax",
  tables: [taxClassTable, taxRateTable],
  routes,
};

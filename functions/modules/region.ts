import * as z from "zod";
import { Country } from "../../core/kernel/country.js";
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
  endpoint(
    "get",
    "/v1/store/countries",
    {
      allow: "shopper",
      summary: "List countries",
      description: "The parts of an address in each country, for the form that asks for them.",
      returns: [200, Region.CountryList],
    },
    () => Region.listCountries(),
  ),
  endpoint(
    "get",
    "/v1/store/countries/{code}",
    {
      allow: "shopper",
      params: z.strictObject({ code: Country }),
      summary: "Get a country with its provinces",
      returns: [200, Region.CountryDetail],
    },
    ({ params }) => Region.getCountry(params.code),
  ),
];

export const region: Module = {
  name: "region",
  tables: [regionTable],
  routes,
};

import * as z from "zod";
import { CountryCode } from "../kernel/country.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { pageQuery } from "../kernel/page.js";
import { LocationId, locationTable } from "./inventory.sql.js";

export const Location = z
  .object({ id: LocationId, name: z.string(), country: CountryCode, isDefault: z.boolean(), createdAt: z.string() })
  .meta({ id: "Location", description: "A place where stock is kept." });

const view = {
  id: locationTable.id,
  name: locationTable.name,
  country: locationTable.country,
  isDefault: locationTable.isDefault,
  createdAt: locationTable.createdAt,
};

export const LocationPage = pageQuery({});

export const listLocations = fn(LocationPage, (page) =>
  listById({ name: "locations", id: locationTable.id, order: "asc" }, page, (q) =>
    q.select(view).from(locationTable).$dynamic(),
  ),
);

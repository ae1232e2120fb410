import { asc, gt } from "drizzle-orm";
import * as z from "zod";
import { Country } from "../kernel/address.js";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { LocationId, locationTable } from "./inventory.sql.js";
export const Location = z
  .object({ id: LocationId, name: z.string(), country: Country, isDefault: z.boolean(), createdAt: z.string() })
  .meta({ id: "Location", description: "A place where stock is kept." });

const view = {
  id: locationTable.id,
  name: locationTable.name,
  country: locationTable.country,
  isDefault: locationTable.isDefault,
  createdAt: locationTable.createdAt,
};

export const LocationPage = pageQuery({});

export const locations = fn(LocationPage, async ({ limit, cursor }) => {
  const { after, page: answer } = paginate("locations", cursor);
  const rows = await read((q) =>
    q
      .select(view)
      .from(locationTable)
      .where(after.id ? gt(locationTable.id, after.id) : undefined)
      .orderBy(asc(locationTable.id))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ id: row.id }));
});

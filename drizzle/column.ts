import { bigint, customType, integer } from "drizzle-orm/pg-core";
import { typeIdToUuid, uuidToTypeId } from "./typeid.js";

/** `uuid` in the database, TypeID text of this prefix everywhere else. */
export const typeId = <Prefix extends string>(prefix: Prefix) =>
  customType<{ data: string; driverData: string }>({
    dataType: () => "uuid",
    toDriver: (text) => typeIdToUuid(prefix, text),
    fromDriver: (uuid) => uuidToTypeId(prefix, uuid),
  });

export const tenantIdColumn = typeId("ten");

/** Minor units of a currency (ISO 4217). A CHECK or the schema of the input keeps amounts below 2^53. */
export const minorUnits = (name: string) => bigint(name, { mode: "number" });

/** An instant with microseconds, as ISO 8601 text: a JavaScript Date would cut them, and cursors need them. */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => "timestamptz",
  fromDriver: (text) => toIso(text),
});

/** Postgres writes `2026-11-22 20:59:12.123456+00`; RFC 3339 wants a T and a zone. */
const toIso = (text: string) => text.replace(" ", "T").replace(/\+00$/, "Z");

/** Optimistic concurrency: each UPDATE adds one; the ETag of the resource. */
export const version = () => integer("version").notNull().default(1);

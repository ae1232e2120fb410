import { arrayContains } from "drizzle-orm";
import * as z from "zod";
import {
  addressFormat,
  addressParts,
  Country,
  CountryCode,
  countryCodes,
  nameOfCountry,
  provincesOf,
} from "../kernel/country.js";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { regionTable } from "./region.sql.js";

const Field = z.object({
  name: z.enum(addressParts),
  label: z.string().meta({ description: "The name that the country has for it", examples: ["ZIP code"] }),
  required: z.boolean(),
});
const CountryRecord = z
  .object({
    code: CountryCode,
    name: z.string(),
    isServed: z.boolean().meta({ description: "Whether the shop delivers there" }),
    fields: z
      .array(Field)
      .meta({ description: "Beside name, line1, line2, company and phone, which are alike everywhere" }),
    requiresCityOrState: z.boolean().meta({ description: "One of `city` and `state` is required" }),
    postalCodeExample: z.string().nullable(),
  })
  .meta({ id: "CountryRecord", description: "A country, and what an address consists of there." });
const ProvinceRecord = z.object({
  code: z
    .string()
    .nullable()
    .meta({ description: "ISO 3166-2", examples: ["US-CA"] }),
  state: z.string().meta({ description: "Its text in an address", examples: ["CA"] }),
  name: z.string(),
});
export const CountryDetail = CountryRecord.extend({ provinces: z.array(ProvinceRecord) }).meta({ id: "CountryDetail" });
export const CountryList = z.object({ data: z.array(CountryRecord) });

function recordOf(code: string, isServed: boolean) {
  const { used, required, needsCityOrState, names, postalCode } = addressFormat(code);
  return {
    code,
    name: nameOfCountry(code),
    isServed,
    fields: used.map((name) => ({ name, label: names[name], required: required.includes(name) })),
    requiresCityOrState: needsCityOrState,
    postalCodeExample: postalCode?.example ?? null,
  };
}

/** All countries, in the order of their English names. */
export const listCountries = fn(z.void(), async () => {
  const regions = await read((q) => q.select({ countries: regionTable.countries }).from(regionTable));
  const served = new Set(regions.flatMap(({ countries }) => countries));
  const data = countryCodes.map((code) => recordOf(code, served.has(code)));
  return { data: data.sort((one, other) => one.name.localeCompare(other.name, "en")) };
});

/** A country with its provinces. */
export const getCountry = fn(Country, async (code) => {
  const regions = await read((q) =>
    q
      .select({ id: regionTable.id })
      .from(regionTable)
      .where(arrayContains(regionTable.countries, [code]))
      .limit(1),
  );
  const provinces = provincesOf(code).map(({ code: iso, state, names }) => ({
    code: iso,
    state,
    name: names.find((name) => name !== state) ?? state,
  }));
  return { ...recordOf(code, regions.length > 0), provinces };
});

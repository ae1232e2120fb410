import * as z from "zod";
import {
  addressFormat,
  Country,
  CountryCode,
  findProvince,
  isPostalCode,
  isProvinceOf,
  nameOfCountry,
  ProvinceCode,
  provincesOf,
  usesProvinceCodes,
} from "./country.js";
import { name } from "./text.js";

const Fields = z.strictObject({
  name: name(200).describe("The person who receives it: Ada Lovelace"),
  company: name(200).optional().describe("The company at this address, on a line of its own"),
  line1: name(200).describe("Street and number: Lange Straße 1"),
  line2: name(200).optional().describe("An apartment, a floor or a building, after the street"),
  district: name(100).optional().meta({ description: "A part of the city, where addresses name it" }),
  city: name(100).optional().describe("City, town or village"),
  state: name(100).optional().meta({ description: "State, province, prefecture or county, as the address says it" }),
  province: ProvinceCode.optional().meta({
    description: "ISO 3166-2. Default: the province that `state` names",
    examples: ["US-CA"],
  }),
  postalCode: name(20).optional().describe("As the country writes it: 10115 in Germany, SW1A 1AA in Britain"),
  country: Country,
  phone: name(40).optional().describe("For the carrier: +49 30 123456"),
});
type Fields = z.output<typeof Fields>;
type Report = (field: keyof Fields, message: string) => void;

function checkParts(address: Fields, report: Report): void {
  const { required: needed, needsCityOrState, names } = addressFormat(address.country);
  const where = nameOfCountry(address.country);
  for (const part of needed) {
    const isGiven = address[part] !== undefined || (part === "state" && address.province !== undefined);
    if (!isGiven) report(part, `is required in ${where}: the ${names[part]}`);
  }
  if (needsCityOrState && !address.city && !address.state && !address.province)
    report("city", `is required in ${where}: the ${names.city} or the ${names.state}`);
}

function checkPostalCode({ country, postalCode }: Fields, report: Report): void {
  if (postalCode === undefined || isPostalCode(country, postalCode)) return;
  const { names, postalCode: known } = addressFormat(country);
  report("postalCode", `must be a ${names.postalCode} of ${nameOfCountry(country)}, such as ${known?.example}`);
}

function checkProvince({ country, state, province }: Fields, report: Report): void {
  const { names, required: needed } = addressFormat(country);
  const named = state === undefined ? undefined : findProvince(country, state);
  const where = nameOfCountry(country);
  if (state !== undefined && !named && needed.includes("state") && usesProvinceCodes(country))
    report("state", `must be a ${names.state} of ${where}, such as ${provincesOf(country)[0]?.state}`);
  if (province === undefined) return;
  if (!isProvinceOf(country, province)) report("province", `must be an ISO 3166-2 code of ${where}`);
  else if (named?.code && named.code !== province) report("province", "must be the province that `state` names");
}

/** An empty text counts as absent, because forms send all of their fields. */
const withoutBlanks = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field !== "string" || field.trim() !== ""))
    : value;

function withProvince(address: Fields): Fields {
  const { country, state, province } = address;
  if (state !== undefined) {
    const code = province ?? findProvince(country, state)?.code;
    return code ? { ...address, province: code } : address;
  }
  const named = provincesOf(country).find(({ code }) => code === province);
  return named ? { ...address, state: named.state } : address;
}

/**
 * A postal address that is sent to us, complete by the rules of its country: `GET /v1/store/countries` tells them. An
 * error says how the country calls the part that is missing.
 */
export const NewAddress = z
  .preprocess(
    withoutBlanks,
    Fields.superRefine((address, { addIssue }) => {
      const report: Report = (field, message) => addIssue({ code: "custom", path: [field], message });
      checkParts(address, report);
      checkPostalCode(address, report);
      checkProvince(address, report);
    }).transform(withProvince),
  )
  .meta({
    id: "NewAddress",
    description: "The parts that are required depend on the country: `GET /v1/store/countries`",
  });

/** A postal address as it is stored. */
export const Address = z
  .object({
    name: z.string(),
    company: z.string().optional(),
    line1: z.string(),
    line2: z.string().optional(),
    district: z.string().optional(),
    city: z.string().optional(),
    state: z.string().optional(),
    province: z.string().optional().meta({ description: "ISO 3166-2" }),
    postalCode: z.string().optional(),
    country: CountryCode,
    phone: z.string().optional(),
  })
  .meta({ id: "Address" });
export type Address = z.infer<typeof Address>;

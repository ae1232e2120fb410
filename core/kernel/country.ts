import * as z from "zod";
import { COUNTRY_TABLE } from "./country-table.js";
import { fold } from "./fold.js";
import { PROVINCE_TABLE } from "./province-table.js";

/** The parts of an address that differ between countries. */
export const addressParts = ["district", "city", "state", "postalCode"] as const;
type AddressPart = (typeof addressParts)[number];

interface AddressFormat {
  /** Parts that an address has there. */
  used: readonly AddressPart[];
  /** Parts without which it is incomplete. */
  required: readonly AddressPart[];
  /** One of city and state is needed: in Hong Kong and the Emirates people write the one or the other. */
  needsCityOrState: boolean;
  names: Record<AddressPart, string>;
  postalCode: { example: string; pattern: RegExp } | undefined;
}

const letters: Record<string, AddressPart> = { D: "district", C: "city", S: "state", Z: "postalCode" };
const partsOf = (text: string) => [...text].flatMap((letter) => letters[letter] ?? []);
const words: Record<string, string> = {
  do_si: "province or city",
  post_town: "post town",
  village_township: "village or township",
  zip: "ZIP code",
  pin: "PIN code",
  eircode: "Eircode",
};

/** A row of the table: `DE CZ,CZ,,,,,26133,\d{5}`. The last part is a pattern, which may contain commas. */
function toFormat(row: string): AddressFormat {
  const [used = "", required = "", city = "", district = "", state = "", zip = "", example = "", ...pattern] =
    row.split(",");
  const named = (name: string, usual: string) => words[name] ?? (name || usual);
  return {
    used: partsOf(used),
    required: partsOf(required),
    needsCityOrState: required.includes("E"),
    names: {
      city: named(city, "city"),
      district: named(district, "district"),
      state: named(state, "province"),
      postalCode: named(zip, "postal code"),
    },
    postalCode:
      pattern.length > 0 && pattern[0] ? { example, pattern: new RegExp(`^(?:${pattern.join(",")})$`) } : undefined,
  };
}

/** Countries of which nothing is known need a city and no more. */
const UNKNOWN = "C,C,,,,,,";
const rows = new Map(
  COUNTRY_TABLE.trim()
    .split(/[;\n]/)
    .map((row) => [row.slice(0, 2), row.slice(3) || UNKNOWN]),
);
/** ISO 3166-1 alpha-2, and XK for Kosovo. */
export const countryCodes = [...rows.keys()].toSorted();

/** Codes that are in use beside the standard: the first two by habit and in VAT numbers, the third for Northern Ireland. */
export const countryAliases = { UK: "GB", EL: "GR", XI: "GB" } as const;
const isAlias = (code: string): code is keyof typeof countryAliases => Object.hasOwn(countryAliases, code);

/** A country that is sent to us. Its aliases become the code of the standard. */
export const Country = z
  .enum(
    [...countryCodes, ...Object.keys(countryAliases)],
    "must be an ISO 3166-1 alpha-2 code of a country, such as DE",
  )
  .transform((code) => (isAlias(code) ? countryAliases[code] : code))
  .meta({ id: "Country", description: "ISO 3166-1 alpha-2; UK, EL and XI become GB, GR and GB", examples: ["DE"] });

/** A country as it is stored. */
export const CountryCode = z.string().meta({ description: "ISO 3166-1 alpha-2", examples: ["DE"] });

const formats = new Map<string, AddressFormat>();

/** What an address consists of in a country. */
export function addressFormat(country: string): AddressFormat {
  const known = formats.get(country);
  if (known) return known;
  const format = toFormat(rows.get(country) ?? UNKNOWN);
  formats.set(country, format);
  return format;
}

const displayNames = new Intl.DisplayNames(["en"], { type: "region" });
/** The English name of a country. */
export const nameOfCountry = (country: string): string => displayNames.of(country) ?? country;

export interface Province {
  /** ISO 3166-2; null where the standard has none. */
  code: string | null;
  /** The text that stands for it in an address. */
  state: string;
  /** Its names, of which the last one is written in Latin letters if any is. */
  names: readonly string[];
}

const provinceRows = new Map(
  PROVINCE_TABLE.trim()
    .split("\n")
    .map((row) => [row.slice(0, 2), row.slice(3)]),
);
const provinces = new Map<string, Province[]>();

/** The provinces of a country whose addresses name them; none of other countries. */
export function provincesOf(country: string): readonly Province[] {
  const known = provinces.get(country);
  if (known) return known;
  const made = (provinceRows.get(country)?.split(";") ?? []).map((row) => {
    const [code, state = "", ...names] = row.split("/");
    return { code: code ? `${country}-${code}` : null, state, names: [state, ...names] };
  });
  provinces.set(country, made);
  return made;
}

/** A province that is sent to us. */
export const ProvinceCode = z
  .string()
  .regex(/^[A-Z]{2}-[A-Z0-9]{1,3}$/, "must be an ISO 3166-2 code, such as US-CA")
  .meta({ examples: ["US-CA"] });

/** Whether a code may be one of a country: one of its provinces, where these are known. */
export function isProvinceOf(country: string, code: string): boolean {
  const known = provincesOf(country);
  return code.startsWith(`${country}-`) && (known.length === 0 || known.some((province) => province.code === code));
}

/** The province that a text names: by its code, with or without the country's, or by one of its names. */
export function findProvince(country: string, text: string): Province | undefined {
  const wanted = fold(text);
  const isNamed = ({ code, names }: Province) =>
    (code !== null && [fold(code), fold(code.slice(3))].includes(wanted)) ||
    names.some((name) => fold(name) === wanted);
  return provincesOf(country).find(isNamed);
}

/** Whether the post of a country writes codes of provinces, as in `Austin TX`: then any other text is a mistake. */
export const usesProvinceCodes = (country: string): boolean =>
  provincesOf(country).some(({ code, state }) => code?.slice(3) === state && state.length <= 3);

/** Whether a postal code is one of the country, with or without separators, and with or without a prefix such as `D-`. */
export function isPostalCode(country: string, text: string): boolean {
  const { postalCode } = addressFormat(country);
  if (!postalCode) return true;
  const given = text
    .normalize("NFKC")
    .toUpperCase()
    .replace(/[\s‐-―-]+/g, "");
  const bare = text
    .toUpperCase()
    .replace(/^[A-Z]{1,3}-/, "")
    .replace(/[\s-]+/g, "");
  return [given, bare, given.startsWith(country) ? given.slice(2) : given, country + given].some((one) =>
    postalCode.pattern.test(one),
  );
}

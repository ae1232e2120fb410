/**
 * Standard rates of value added tax in basis points, as defaults that the merchant checks and changes. European Union:
 * European Commission, "Taxes in Europe Database"; the others: their tax offices. As of November 2026.
 */
const STANDARD: Record<string, number> = {
  AT: 2000,
  AX: 2550, // Åland: Finland's tax
  BE: 2100,
  BG: 2000,
  CH: 810,
  CY: 1900,
  CZ: 2100,
  DE: 1900,
  DK: 2500,
  EE: 2400,
  ES: 2100,
  FI: 2550,
  FR: 2000,
  GF: 0, // French Guiana: none
  GB: 2000,
  GP: 850, // Guadeloupe, as Martinique and Réunion
  GR: 2400,
  HR: 2500,
  HU: 2700,
  IE: 2300,
  IM: 2000, // Isle of Man: the United Kingdom's tax
  IS: 2400,
  IT: 2200,
  LI: 810,
  LT: 2100,
  LU: 1700,
  LV: 2100,
  MC: 2000, // Monaco: France's tax
  MQ: 850,
  MT: 1800,
  NL: 2100,
  NO: 2500,
  PL: 2300,
  PT: 2300,
  RE: 850,
  RO: 2100,
  SE: 2500,
  SI: 2200,
  SK: 2300,
  YT: 0, // Mayotte: none
};

/** Provinces with a rate of their own, and those outside of the area of the tax, where a delivery is not charged with it. */
const PROVINCES: Record<string, Record<string, number>> = {
  ES: { "ES-GC": 0, "ES-TF": 0, "ES-CE": 0, "ES-ML": 0 }, // the Canary Islands, Ceuta, Melilla
  GR: { "GR-69": 0 }, // Mount Athos
  PT: { "PT-20": 1600, "PT-30": 2200 }, // the Azores, Madeira
};

interface StartingRate {
  province: string | null;
  /** Basis points. */
  rate: number;
}

/** The rates with which a tenant begins; undefined where they are not known, and the merchant has to set them. */
export function startingRates(country: string): StartingRate[] | undefined {
  const standard = STANDARD[country];
  if (standard === undefined) return undefined;
  const own = Object.entries(PROVINCES[country] ?? {}).map(([province, rate]) => ({ province, rate }));
  return [{ province: null, rate: standard }, ...own];
}

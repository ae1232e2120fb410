import type { Work } from "./peers/side.js";
import type { Compared } from "./peers/slices.js";

/** How many times a peer's throughput the system's is at least. */
const least: Record<Work, Readonly<Record<string, number>>> = {
  list: { Medusa: 25, Vendure: 25 },
  detail: { Medusa: 15, Vendure: 4 },
  cart: { Medusa: 60, Vendure: 8 },
  checkout: { Medusa: 60, Vendure: 7 },
  orders: { Medusa: 40, Vendure: 4 },
};

export interface Ratio {
  readonly work: Work;
  readonly peer: string;
  readonly value: number;
  readonly least: number;
}

/** The first side is the system. */
export function ratiosOf(compared: readonly Compared[]): Ratio[] {
  const own = compared[0]?.side;
  return compared
    .filter(({ side }) => side !== own)
    .map(({ work, side, perSecond }) => {
      const rate = compared.find((other) => other.work === work && other.side === own)?.perSecond ?? 0;
      return { work, peer: side, value: rate / perSecond, least: least[work][side] ?? 1 };
    });
}

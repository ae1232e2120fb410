/** A product as each system gets it: four variants, with the price of the smallest one in cents before tax. */
export interface CatalogProduct {
  readonly title: string;
  readonly handle: string;
  readonly description: string;
  readonly cents: number;
}

/** The variants of each product; each is a euro dearer than the one before. */
export const sizes = ["S", "M", "L", "XL"] as const;
/** Pieces of each variant: more than a measurement sells. */
export const STOCK = 1_000_000;

const adjectives = "Classic Modern Rustic Compact Deluxe Simple Bright Dark Soft Heavy Light Smart Urban Alpine Nordic";
const materials = "Walnut Oak Cotton Linen Steel Copper Glass Marble Leather Bamboo Ceramic Wool Silk Granite Brass";
const things = "Table Chair Lamp Mug Bowl Shirt Jacket Bag Wallet Clock Vase Tray Shelf Mirror Rug Blanket Pillow";
const text =
  "made with care for daily use in any home or office it lasts for years and is easy to clean each piece differs a " +
  "little from the next so yours will be unique we ship it safely packed and you may return it within thirty days";

/** The linear congruential generator of Numerical Recipes: the same numbers on each machine. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const wordOf = (list: string, index: number) => {
  const words = list.split(" ");
  return words[index % words.length] ?? "";
};

/** The product of this number, the same in each run. */
function productOf(index: number): CatalogProduct {
  const random = randomOf(index + 1);
  const words = [wordOf(adjectives, index), wordOf(materials, Math.floor(index / 15)), wordOf(things, index * 7)];
  const title = `${words.join(" ")} ${String(index).padStart(4, "0")}`;
  const description = Array.from({ length: 40 }, () => wordOf(text, Math.floor(random() * 1_000)));
  return {
    title,
    handle: title.toLowerCase().replaceAll(" ", "-"),
    description: `${description.join(" ")}.`,
    cents: 500 + Math.floor(random() * 9_000),
  };
}

export const productsOf = (count: number) => Array.from({ length: count }, (_, index) => productOf(index));

export interface Shop {
  readonly name: string;
  readonly slug: string;
  readonly currency: string;
  readonly country: string;
  readonly owner: string;
  readonly email: string;
}

/** Two tenants, which show their separation. */
export const shops: readonly Shop[] = [
  { name: "Kiln & Clay", slug: "kiln", currency: "EUR", country: "DE", owner: "Ida Brand", email: "ida@kiln.example" },
  {
    name: "Paper Trail",
    slug: "paper",
    currency: "USD",
    country: "US",
    owner: "Sam Quill",
    email: "sam@paper.example",
  },
];

const shelves: Record<string, { name: string; description: string; sku: string; amount: number; sizes: string[] }[]> = {
  kiln: [
    { name: "Stoneware mug", description: "Holds 300 ml and warm hands.", sku: "MUG", amount: 1900, sizes: ["S", "L"] },
    {
      name: "Serving bowl",
      description: "For six, or for one who is hungry.",
      sku: "BOWL",
      amount: 4900,
      sizes: ["28 cm"],
    },
    { name: "Bud vase", description: "One flower is enough.", sku: "VASE", amount: 2400, sizes: ["12 cm"] },
  ],
  paper: [
    {
      name: "Dot grid notebook",
      description: "160 pages that lie flat.",
      sku: "NOTE",
      amount: 1600,
      sizes: ["A5", "A4"],
    },
    { name: "Letter set", description: "Twelve sheets, twelve envelopes.", sku: "LETTER", amount: 1250, sizes: ["A5"] },
    { name: "Pocket planner", description: "A year, weekly.", sku: "PLAN", amount: 2100, sizes: ["A6"] },
  ],
};

/** Products of a demo shop, as bodies of `POST /v1/admin/products`. */
export const goods = (slug: string, currency: string) =>
  (shelves[slug] ?? []).map(({ name, description, sku, amount, sizes }) => ({
    name,
    slug: name.toLowerCase().replaceAll(" ", "-"),
    description,
    status: "active",
    options: [{ name: "Size", values: sizes }],
    variants: sizes.map((size, index) => ({
      sku: `${sku}-${size.replace(" ", "").toUpperCase()}`,
      options: { Size: size },
      prices: [{ amount: amount + index * 600, currency }],
    })),
  }));

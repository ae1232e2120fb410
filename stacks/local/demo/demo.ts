import type { DemoShop } from "./seed.js";

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

const quote = (value: unknown) => `'${JSON.stringify(value)}'`;

const json = "-H 'content-type: application/json'";
const pick = (what: string) => `node -pe 'c = JSON.parse(fs.readFileSync(0)); ${what}'`;

/** Answers where the payment of the cart in $1, whose token is $2, is made by card. */
export function cardLine(url: string, { publishableKey }: DemoShop) {
  const payment = { provider: "stripe", method: "checkout_session", returnUrl: `${url}/_local` };
  return `curl -s -X POST ${url}/v1/store/carts/$1/complete -H 'authorization: Bearer ${publishableKey}' -H "x-cart-token: $2" -H "idempotency-key: buy-$1" ${json} -d ${quote({ payment })} | ${pick("c.payment.action.url")}`;
}

/** Two lines that log the owner in and answer where a plan is paid. */
export function upgradeLines(url: string, { slug, email, password }: DemoShop) {
  const login = quote({ email, password });
  const plan = quote({ plan: "growth", interval: "month", successUrl: `${url}/_local`, cancelUrl: `${url}/_local` });
  return [
    `set -- $(curl -s -X POST ${url}/v1/auth/login -H 'x-tenant-id: ${slug}' ${json} -d ${login} | ${pick("c.accessToken")})`,
    `curl -s -X POST ${url}/v1/billing/checkout -H "authorization: Bearer $1" ${json} -d ${plan} | ${pick("c.url")}`,
  ];
}

/** Five lines for any POSIX shell that buy two of something; $1 is the cart and $2 its token. */
export function purchaseLines(
  url: string,
  { publishableKey, secretKey, variantId, shippingOptionId, country }: DemoShop,
) {
  const key = `-H 'authorization: Bearer ${publishableKey}'`;
  const cart = `${url}/v1/store/carts/$1`;
  const token = `-H "x-cart-token: $2"`;
  const order = quote({ email: "ada@example.com", lines: [{ variantId, quantity: 2 }] });
  const shippingAddress = {
    name: "Ada Lovelace",
    line1: "1 Analytical Row",
    city: "Springfield",
    postalCode: "12345",
    country,
  };
  return [
    `set -- $(curl -sw '\\n' -X POST ${url}/v1/store/carts ${key} ${json} -d ${order} | ${pick('c.id + " " + c.token')})`,
    `curl -sw '\\n' -X PATCH ${cart} ${key} ${token} -H 'if-match: *' ${json} -d ${quote({ shippingAddress, shippingOptionId })}`,
    `curl -sw '\\n' ${cart} ${key} ${token}`,
    `curl -sw '\\n' -X POST ${cart}/complete ${key} ${token} -H "idempotency-key: buy-$1" ${json} -d '{}'`,
    `curl -sw '\\n' '${url}/v1/admin/orders?limit=1' -H 'authorization: Bearer ${secretKey}'`,
  ];
}

/** A tag of the document: its name, its meaning, and the first words of the paths that belong to it. */
interface Tag {
  readonly name: string;
  readonly description: string;
  readonly paths: readonly string[];
}

/** In the order in which a shop needs them; a path belongs to the first tag that fits. */
const tags: readonly Tag[] = [
  {
    name: "Storefront",
    description: "The operations of shoppers, with a publishable key: products, carts, checkout and their own orders.",
    paths: ["store"],
  },
  {
    name: "Authentication",
    description: "Signing up a tenant, logging members in and out, sessions and passwords.",
    paths: ["auth"],
  },
  {
    name: "Products",
    description: "Products, their variants and prices.",
    paths: ["admin/products", "admin/variants"],
  },
  {
    name: "Inventory",
    description: "Stock levels, movements and locations.",
    paths: ["admin/inventory", "admin/locations"],
  },
  { name: "Orders", description: "Orders, their payments, refunds and notes.", paths: ["admin/orders"] },
  {
    name: "Payments",
    description: "The payment account at Stripe, payment methods and disputes.",
    paths: ["admin/payments", "admin/payment-methods", "admin/disputes"],
  },
  {
    name: "Settings",
    description: "The tenant, its regions, channels, taxes and shipping options.",
    paths: ["admin/tenant", "admin/regions", "admin/channels", "admin/tax", "admin/shipping", "admin/countries"],
  },
  { name: "Access", description: "Members, their roles, and API keys.", paths: ["admin/members", "admin/api-keys"] },
  { name: "Reports", description: "Sales and the ledger.", paths: ["admin/reports", "admin/ledger"] },
  {
    name: "Events",
    description: "Events, jobs and incidents of the tenant.",
    paths: ["admin/events", "admin/jobs", "admin/incidents"],
  },
  { name: "Billing", description: "The tenant's plan, its limits and invoices.", paths: ["billing"] },
];

const rest: Tag = { name: "Extensions", description: "Operations of plugins.", paths: [] };

const belongs = (path: string) => (tag: Tag) => tag.paths.some((start) => path.startsWith(`/v1/${start}`));

export const tagOf = (path: string): string => (tags.find(belongs(path)) ?? rest).name;

/** The tags that are used, in their order. */
export const tagsOf = (paths: readonly string[]) =>
  [...tags, rest]
    .filter(({ name }) => paths.some((path) => tagOf(path) === name))
    .map(({ name, description }) => ({ name, description }));

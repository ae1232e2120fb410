import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host.js";
import { derive } from "../secrets.js";
import { goods, type Shop, shops } from "./demo.js";

/** Credentials and ids of a demo shop. */
export interface DemoShop extends Shop {
  /** The slug of the shop in test mode, to which everything here belongs. */
  readonly tenant: string;
  readonly password: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  /** A variant and a shipping option for a purchase. */
  readonly variantId: string;
  readonly shippingOptionId: string;
}

export interface Demo {
  readonly tenants: readonly DemoShop[];
}

type Headers = Record<string, string>;

/** Calls the HTTP API. @throws with the answer of the API */
async function call<Answer>(
  host: Host,
  method: string,
  path: string,
  headers: Headers,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(host.url + path, {
    method,
    headers: { ...headers, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text || "null");
}

const testTenant = ({ slug }: Shop) => `${slug}-test`;

interface List<Item> {
  readonly data: readonly Item[];
}

/** Waits for the twin in test mode, which a job opens after the sign-up. */
async function awaitTwin(host: Host, tenant: string): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(50))
    if ((await host.admin.query("select from tenant where slug = $1", [tenant])).length > 0) return;
  throw new Error(`The tenant "${tenant}" was not opened.`);
}

/** Signs a shop up, unless an interrupted start has done so, and logs its owner in to its twin in test mode. */
async function enter(host: Host, shop: Shop, password: string): Promise<Headers> {
  const { name, slug, currency, country, email, owner } = shop;
  const body = { tenant: { name, slug, currency, country }, name: owner, email, password };
  await call(host, "POST", "/v1/auth/signup", {}, body).catch((error: Error) => {
    if (!error.message.includes("409")) throw error;
  });
  const tenant = testTenant(shop);
  await awaitTwin(host, tenant);
  const login = { email, password };
  const { accessToken } = await call<{ accessToken: string }>(
    host,
    "POST",
    "/v1/auth/login",
    { "x-tenant-id": tenant },
    login,
  );
  return { authorization: `Bearer ${accessToken}` };
}

/** What the server of a shop needs: a key that names none only reads. */
const SCOPES = ["catalog", "inventory", "orders", "payments", "settings"]
  .flatMap((noun) => [`${noun}:read`, `${noun}:write`])
  .concat("events:read", "refunds:write");

const fingerprint = (text: string) => createHash("sha256").update(text).digest("hex");

/**
 * A key whose secret part is derived, so that it is the same after each start. The API makes keys at random, so its
 * hash is replaced, which only the owner of this machine's database can do.
 */
async function keyOf(host: Host, member: Headers, { slug }: Shop, kind: "publishable" | "secret"): Promise<string> {
  const made = await call<{ key: string }>(host, "POST", "/v1/admin/api-keys", member, {
    name: `Demo (${kind})`,
    kind,
    ...(kind === "secret" && { scopes: SCOPES }),
  });
  const random = derive(host.secrets, `${slug} ${kind}`, 60).replace(/[-_]/g, "").slice(0, 43);
  const key = made.key.replace(/[^_]+$/, random);
  await host.admin.query("delete from api_key where hash = $1", [fingerprint(key)]);
  await host.admin.query("update api_key set hash = $1, hint = left(hint, -4) || $2 where hash = $3", [
    fingerprint(key),
    key.slice(-4),
    fingerprint(made.key),
  ]);
  return key;
}

/** Creates the products with stock; returns the first variant. */
async function stock(host: Host, member: Headers, { slug, currency }: Shop): Promise<string> {
  interface Product {
    readonly slug: string;
    readonly variants: readonly { id: string }[];
  }
  const path = "/v1/admin/products";
  const { data } = await call<List<Product>>(host, "GET", `${path}?limit=100&expand=variants`, member);
  const products: Product[] = [];
  for (const product of goods(slug, currency))
    products.push(
      data.find((known) => known.slug === product.slug) ?? (await call(host, "POST", path, member, product)),
    );
  const variants = products.flatMap((product) => product.variants);
  const adjustments = variants.map(({ id }) => ({ variantId: id, set: 100 }));
  const once = { ...member, "idempotency-key": `seed-${slug}` };
  await call(host, "POST", "/v1/admin/inventory/adjustments", once, { adjustments, reason: "received" });
  return variants[0]?.id ?? "";
}

/** Connects the shop's account at the stand-in and completes its onboarding, which is manual at Stripe. */
async function connect(host: Host, member: Headers): Promise<void> {
  if (!host.stripe) return;
  const { account } = await call<{ account: string }>(host, "POST", "/v1/admin/payments/account", member);
  host.stripe.completeOnboarding(account);
  // Reads the account anew: its webhook may come after the first purchase.
  await call(host, "POST", "/v1/admin/payments/account", member);
}

/** The printed purchase is delivered on account; the other ways to pay can be named. */
const offer = (host: Host, member: Headers): Promise<unknown> =>
  call(host, "PUT", "/v1/admin/payment-methods", member, {
    methods: [{ provider: "manual", acceptance: "automatic" }, { provider: "stripe" }],
  });

async function open(host: Host, shop: Shop): Promise<DemoShop> {
  const password = derive(host.secrets, `${shop.slug} password`, 12);
  const member = await enter(host, shop, password);
  const publishableKey = await keyOf(host, member, shop, "publishable");
  const secretKey = await keyOf(host, member, shop, "secret");
  const variantId = await stock(host, member, shop);
  await connect(host, member);
  await offer(host, member);
  const shipping = await call<List<{ id: string }>>(host, "GET", "/v1/admin/shipping-options", member);
  return {
    ...shop,
    tenant: testTenant(shop),
    password,
    publishableKey,
    secretKey,
    variantId,
    shippingOptionId: shipping.data[0]?.id ?? "",
  };
}

const fileOf = (dir: string) => join(dir, "demo.json");

/** The demo shops of a data folder; none before they are opened. */
export async function readDemo(dir: string): Promise<DemoShop[]> {
  const text = await readFile(fileOf(dir), "utf8").catch(() => undefined);
  const known: DemoShop[] = text === undefined ? [] : JSON.parse(text);
  return known.map((shop) => ({ ...shop, tenant: shop.tenant ?? shop.slug })); // those of a folder from before are live
}

/**
 * Opens the demo shops the first time, through the API; later starts find them in the data folder.
 * @throws on every other stage: the keys can be computed from the data folder
 */
export async function seed(host: Host): Promise<Demo> {
  const { hostname } = new URL(host.databases.postgres);
  if (host.env("api").STAGE !== "local" || hostname !== "127.0.0.1")
    throw new Error("The demo shops are for this machine only.");
  const known = await readDemo(host.dir);
  if (known.length > 0) return { tenants: known };
  const tenants = await Promise.all(shops.map((shop) => open(host, shop)));
  await writeFile(fileOf(host.dir), JSON.stringify(tenants, null, 2), { mode: 0o600 });
  return { tenants };
}

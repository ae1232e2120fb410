import { randomBytes, randomUUID } from "node:crypto";
import { inject } from "vitest";
import { faults, outcome } from "./outcome.js";

type Json = Record<string, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: bodies are asserted on by the test that reads them
export type Body = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
  /** As it came over the wire. */
  text: string;
}

interface Options {
  body?: unknown;
  headers?: Record<string, string>;
}

/** One request through the gateway. */
export async function call(method: string, url: string, { body, headers = {} }: Options = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : undefined, text };
}

/** Requests with one credential; those that must not fail say so. */
export class Caller {
  constructor(
    readonly url: string,
    readonly credential: string | undefined,
    readonly headers: Record<string, string> = {},
  ) {}

  call(method: string, path: string, options: Options = {}): Promise<Answer> {
    const authorization = this.credential && { authorization: `Bearer ${this.credential}` };
    return call(method, this.url + path, {
      ...options,
      headers: { ...this.headers, ...authorization, ...options.headers },
    });
  }

  /** Status and code of the answer: `409 product.slug_taken`. */
  outcome = async (...request: Parameters<Caller["call"]>) => outcome(await this.call(...request));
  /** The same, with the fields at fault: `422 invalid_request /name`. */
  faults = async (...request: Parameters<Caller["call"]>) => faults(await this.call(...request));

  /** The same credential with more headers. */
  with(headers: Record<string, string>): Caller {
    return new Caller(this.url, this.credential, { ...this.headers, ...headers });
  }

  async #done(method: string, path: string, options: Options = {}): Promise<Body> {
    const key: Record<string, string> = method === "GET" ? {} : { "idempotency-key": randomUUID() };
    const answer = await this.call(method, path, { ...options, headers: { ...key, ...options.headers } });
    if (answer.status >= 300) throw new Error(`${method} ${path} → ${answer.status} ${answer.text}`);
    return answer.body;
  }
  get = (path: string) => this.#done("GET", path);
  post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    this.#done("POST", path, { body, headers });
  put = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    this.#done("PUT", path, { body, headers });
  patch = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    this.#done("PATCH", path, { body, headers });
  delete = (path: string, headers: Record<string, string> = {}) => this.#done("DELETE", path, { headers });
}

/** The header of a change that counts for this version only. */
export const ifMatch = (version: number) => ({ "if-match": `"${version}"` });

/** A tenant with its owner's login and its two keys; calls go with the secret key. */
export class Tenant extends Caller {
  constructor(
    url: string,
    secretKey: string,
    readonly id: string,
    readonly slug: string,
    readonly owner: Caller,
    readonly ownerEmail: string,
    readonly refreshToken: string,
    readonly shop: Caller,
  ) {
    super(url, secretKey);
  }
}

export const password = "correct horse battery staple";
export const unique = (prefix = "t") => `${prefix}${randomBytes(5).toString("hex")}`;

/** Signs a tenant up, as anybody would. */
export async function newTenant(tenant: Json = {}, url = inject("system").url): Promise<Tenant> {
  const slug = unique();
  const email = `owner@${slug}.test`;
  const visitor = new Caller(url, undefined);
  const account = await visitor.post("/v1/auth/signup", {
    tenant: { name: `Shop ${slug}`, slug, currency: "EUR", country: "DE", ...tenant },
    email,
    password,
    name: "Olga Owner",
  });
  const owner = new Caller(url, account.accessToken);
  const scopes = Object.values<string>(await allScopes(url));
  const [secret, publishable] = await Promise.all([
    owner.post("/v1/admin/api-keys", { kind: "secret", name: "tests", scopes }),
    owner.post("/v1/admin/api-keys", { kind: "publishable", name: "shop" }),
  ]);
  const shop = new Caller(url, publishable.key);
  await sellByHand(owner);
  return new Tenant(url, secret.key, account.tenant.id, slug, owner, email, account.refreshToken, shop);
}

/** Sets what a merchant sets who delivers on account, and whose shoppers all come from one address. */
export async function sellByHand(owner: Caller): Promise<void> {
  const { provider } = (await schemas(owner.url)).OfferedMethod.properties;
  const methods = provider.enum.map((name: string) => ({
    provider: name,
    ...(name === "manual" && { acceptance: "automatic" }),
  }));
  const most = 100_000;
  const limits = { perAddress: most, perEmail: most, perTenant: most, cartsPerAddress: most, holdShare: 100 };
  await owner.put("/v1/admin/payment-methods", { methods, limits });
}

export const newTenants = (count: number): Promise<Tenant[]> =>
  Promise.all(Array.from({ length: count }, () => newTenant()));

const schemas = async (url: string) => (await call("GET", `${url}/openapi.json`)).body.components.schemas;
const allScopes = async (url: string) => (await schemas(url)).Scope.enum;

/** A member of the staff with this role, logged in. */
export async function newMember(tenant: Tenant, role: "OWNER" | "ADMIN" | "MEMBER"): Promise<Caller & { id: string }> {
  const email = `${unique("m")}@staff.test`;
  const member = await tenant.owner.post("/v1/admin/members", { email, name: "Max Member", role, password });
  const login = await new Caller(tenant.url, undefined).post("/v1/auth/login", {
    tenant: tenant.slug,
    email,
    password,
  });
  return Object.assign(new Caller(tenant.url, login.accessToken), { id: member.id as string });
}

/** A product that can be bought: one variant, a price, and stock when there is any. */
export async function newProduct(
  tenant: Caller,
  { stock = 0, amount = 1_000, ...more }: Json & { stock?: number; amount?: number } = {},
) {
  const sku = unique("SKU-");
  const product = await tenant.post("/v1/admin/products", {
    name: `Mug ${sku}`,
    status: "active",
    variants: [{ sku, prices: [{ currency: "EUR", amount }] }],
    ...more,
  });
  const variantId: string = product.variants[0].id;
  if (stock > 0) {
    await tenant.post("/v1/admin/inventory/adjustments", {
      adjustments: [{ variantId, delta: stock }],
      reason: "received",
    });
  }
  return { productId: product.id as string, variantId, sku, slug: product.slug as string };
}

export const address = {
  name: "Ada Lovelace",
  line1: "Lange Straße 1",
  city: "Berlin",
  postalCode: "10115",
  country: "DE",
};

/** A guest's cart with its token and version, which move along with each change. */
export class Cart {
  constructor(
    readonly shop: Caller,
    public state: Body,
  ) {}

  static async open(shop: Caller, body: Json = {}): Promise<Cart> {
    const state = await shop.post("/v1/store/carts", body);
    return new Cart(shop.with({ "x-cart-token": state.token }), state);
  }

  get path() {
    return `/v1/store/carts/${this.state.id}`;
  }
  get ifMatch() {
    return ifMatch(this.state.version);
  }
  async add(variantId: string, quantity = 1) {
    this.state = await this.shop.post(`${this.path}/lines`, { variantId, quantity }, this.ifMatch);
    return this;
  }
  async change(body: Json) {
    this.state = await this.shop.patch(this.path, body, this.ifMatch);
    return this;
  }
  /** Address, e-mail and the first shipping option: ready to complete. */
  async prepare() {
    const { data } = await this.shop.get(`${this.path}/shipping-options`);
    return this.change({ email: "ada@example.com", shippingAddress: address, shippingOptionId: data[0].id });
  }
  complete(key: string = randomUUID(), body: unknown = {}) {
    return this.shop.call("POST", `${this.path}/complete`, { body, headers: { "idempotency-key": key } });
  }
}

/** Waits until `check` answers something, because events take their way. */
export async function eventually<T>(
  check: () => Promise<T | undefined | false | null>,
  timeoutMs = 10_000,
): Promise<T> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error("It did not happen in time.");
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

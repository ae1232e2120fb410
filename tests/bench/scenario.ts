import { randomUUID } from "node:crypto";
import { address } from "../support/client.js";
import type { Shop } from "./shop.js";

export interface Wire {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** What one round through the steps has learned. */
export interface Memory {
  cart?: { id: string; token: string; version: number };
}

export interface Step {
  readonly name: string;
  request(shop: Shop, memory: Memory): Wire;
  learn?(body: unknown, memory: Memory): void;
}

/** Steps that one client takes one after the other, again and again. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
  /** A read whose SQL is measured beside it on a bare handler. */
  readonly read?: true;
}

type Json = Record<string, unknown>;
const get = (path: string, key: string): Wire => ({ method: "GET", path, headers: { authorization: `Bearer ${key}` } });

function write(method: string, path: string, body: Json, { publishableKey }: Shop, { cart }: Memory): Wire {
  const headers = {
    authorization: `Bearer ${publishableKey}`,
    "content-type": "application/json",
    "idempotency-key": randomUUID(),
    ...(cart && { "x-cart-token": cart.token, "if-match": `"${cart.version}"` }),
  };
  return { method, path, headers, body: JSON.stringify(body) };
}

/** Variants in turn, so that carts do not all want the same row. */
let turn = Math.floor(Math.random() * 1_000);
const line = ({ variantIds }: Shop) => ({ variantId: variantIds[turn++ % variantIds.length], quantity: 1 });
const pathOf = ({ cart }: Memory) => `/v1/store/carts/${cart?.id}`;

function learn(body: unknown, memory: Memory): void {
  const { id, version, token } = body as { id: string; version: number; token?: string };
  memory.cart = { id, version, token: token ?? memory.cart?.token ?? "" };
}

const create: Step = {
  name: "create cart",
  request: (shop, memory) => write("POST", "/v1/store/carts", {}, shop, memory),
  learn,
};
const createWithLine: Step = {
  name: "create cart with a line",
  request: (shop, memory) => write("POST", "/v1/store/carts", { lines: [line(shop)] }, shop, memory),
  learn,
};
const add: Step = {
  name: "add line",
  request: (shop, memory) => write("POST", `${pathOf(memory)}/lines`, line(shop), shop, memory),
  learn,
};
const prepare: Step = {
  name: "address and shipping",
  request(shop, memory) {
    const change = { email: "ada@example.com", shippingAddress: address, shippingOptionId: shop.shippingOptionId };
    return write("PATCH", pathOf(memory), change, shop, memory);
  },
  learn,
};
const complete: Step = {
  name: "complete",
  request: (shop, memory) => write("POST", `${pathOf(memory)}/complete`, {}, shop, memory),
};
const login: Step = {
  name: "login",
  request: ({ tenant, email, password }) => ({
    method: "POST",
    path: "/v1/auth/login",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant, email, password }),
  }),
};

/** One request that is the same each time. */
const single = (name: string, request: Step["request"], read = false): Scenario => ({
  name,
  steps: [{ name, request }],
  ...(read && { read }),
});

export const scenarios = {
  list: single("product list (20)", (shop) => get("/v1/store/products?limit=20", shop.publishableKey), true),
  detail: single("product detail", (shop) => get(`/v1/store/products/${shop.products[0]}`, shop.publishableKey), true),
  cart: { name: "create cart, add line", steps: [create, add] },
  checkout: { name: "full checkout", steps: [createWithLine, prepare, complete] },
  orders: single("admin order list (20)", (shop) => get("/v1/admin/orders", shop.secretKey), true),
  login: { name: "login", steps: [login] },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;

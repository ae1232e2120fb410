import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HOLDS_MINUTES } from "../core/cart/index.js";
import { WHOLE_LIFE } from "../core/cart/key.js";
import { groupLimit } from "../core/cart/limit.js";
import { plans } from "../core/entitlement/plan.js";
import { MAILS_PER_RECIPIENT } from "../core/mail/index.js";
import { MAX_ATTEMPTS } from "../core/payment/index.js";
import { unpaidDefaults } from "../core/payment/payment-method.sql.js";
import { sizeOf } from "../core/rate/policy.js";
import type { Endpoint } from "../functions/http/endpoint.js";
import { boundsOf, priceOf } from "../functions/http/price.js";
import { modules } from "../functions/modules/index.js";

/** Each operation that a stranger can call: with a publishable key, with the name of a tenant, or with nothing. */
const endpoints = modules
  .flatMap(({ routes = [] }) => routes)
  .filter(({ spec: { allow } }) => typeof allow === "string" && allow !== "member");
const nameOf = ({ method, path }: Endpoint) => `${method.toUpperCase()} ${path}`;
const operations = endpoints.map(nameOf).toSorted();

const columns = ["orders", "holds", "mails", "attempts", "calls of Stripe", "rows"] as const;
type Cells = Partial<Record<(typeof columns)[number], number>>;

const { perAddress } = unpaidDefaults;
const carts = groupLimit(unpaidDefaults);
/** A cart with a hundred lines. */
const CART_ROWS = 101;
/** An attempt is opened, and each one but the last is read and closed, and read again. */
const CALLS = 4;

/** What one client can have caused at one time; an operation that is not named causes nothing that lasts. */
const caused: Record<string, Cells> = {
  "POST /v1/store/carts": { rows: carts * CART_ROWS },
  "POST /v1/store/carts/{id}/hold": { holds: carts },
  "POST /v1/store/carts/{id}/complete": {
    orders: perAddress,
    holds: perAddress,
    mails: MAILS_PER_RECIPIENT,
    attempts: perAddress,
    "calls of Stripe": perAddress * CALLS,
    rows: perAddress * (CART_ROWS + CALLS),
  },
  "POST /v1/store/orders/{id}/payments": {
    attempts: perAddress * (MAX_ATTEMPTS - 1),
    "calls of Stripe": perAddress * (MAX_ATTEMPTS - 1) * CALLS,
    rows: perAddress * (MAX_ATTEMPTS - 1) * CALLS,
  },
};

const rows = new Map(
  readFileSync(new URL("../docs/abuse.md", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([, name = "", ...cells]) => [name.replaceAll("`", ""), cells]),
);

test("each operation that a stranger can call has its row, with the numbers of the code", () => {
  const wanted = operations.map((name) => [name, columns.map((column) => caused[name]?.[column] ?? 0)]);
  const told = [...rows].map(([name, cells]) => [name, cells.slice(0, columns.length).map(Number)] as const);
  expect(told.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual(wanted);
  expect(Object.keys(caused).filter((name) => !operations.includes(name))).toEqual([]);
  expect([HOLDS_MINUTES, WHOLE_LIFE]).toEqual([30, 90]); // the text names them
});

/** The query for which a call costs most. */
const dearestQuery = ({ spec: { query } }: Endpoint) =>
  new URLSearchParams(
    Object.entries({ limit: "100", expand: "variants", wait: "2" }).filter(([name]) => name in (query?.shape ?? {})),
  );

/** Calls of one address in an hour, by the tokens of its bucket. */
function callsOf({ door }: Endpoint["spec"], cost: number): string {
  const rates = door ? [0] : [plans.starter.requestsPerSecond, plans.scale.requestsPerSecond];
  return rates
    .map((rate) => sizeOf(door ?? "address", rate))
    .map(({ capacity, perSecond }) => Math.floor((capacity + 3_600 * perSecond) / cost))
    .join(" to ");
}

test("each row says what the operation costs its caller, and how often one address may call it", () => {
  for (const endpoint of endpoints) {
    const { cost } = priceOf(endpoint, new URLSearchParams());
    const dearest = priceOf(endpoint, dearestQuery(endpoint)).cost;
    const { spec } = endpoint;
    const { statements, bytes, cpu } = boundsOf(endpoint);
    const most = [statements, bytes / 1_000, cpu].map(String);
    const wanted = [spec.door ?? "address", String(cost), String(dearest), ...most, callsOf(spec, dearest)];
    const cells = rows.get(nameOf(endpoint)) ?? [];
    expect([nameOf(endpoint), ...cells.slice(columns.length, -2)]).toEqual([nameOf(endpoint), ...wanted]);
  }
});

test("the normal life of a shop stays below the limits of the smallest plan, and is told with its numbers", () => {
  const costOf = (...calls: string[]) =>
    calls
      .map((call) => {
        const [name = "", query] = call.split("?");
        const endpoint = modules.flatMap(({ routes = [] }) => routes).find((one) => nameOf(one) === name);
        if (!endpoint) throw new Error(`There is no ${name}.`);
        return priceOf(endpoint, new URLSearchParams(query)).cost;
      })
      .reduce((sum, cost) => sum + cost, 0);
  const purchase = costOf(
    "GET /v1/store/products?limit=20",
    "GET /v1/store/products/{idOrSlug}",
    "GET /v1/store/countries",
    "GET /v1/store/payment-methods",
    "POST /v1/store/carts",
    "POST /v1/store/carts/{id}/lines",
    "PATCH /v1/store/carts/{id}",
    "GET /v1/store/carts/{id}/shipping-options",
    "PATCH /v1/store/carts/{id}",
    "POST /v1/store/carts/{id}/complete",
    "GET /v1/store/orders/{id}?wait=2",
  );
  const [address, program] = (["address", "principal"] as const).map(
    (name) => sizeOf(name, plans.starter.requestsPerSecond).perSecond,
  ) as [number, number];
  const figures = [
    `reads ${address / costOf("GET /v1/store/products?limit=20")} pages a second`,
    `buys ${Math.floor((60 * address) / purchase)} times a minute`,
    `secret key buys ${Math.floor((60 * program) / purchase)} times a minute`,
    `writes ${Math.floor(program / costOf("POST /v1/admin/products"))} products a second`,
    `reads ${Math.floor((100 * program) / costOf("GET /v1/admin/products?limit=100&expand=variants"))} with their`,
  ];
  const text = readFileSync(new URL("../docs/abuse.md", import.meta.url), "utf8").replace(/\s+/g, " ");
  expect(figures.filter((figure) => !text.includes(figure))).toEqual([]);
  expect(plans.scale.requestsPerSecond / plans.starter.requestsPerSecond).toBe(20);
  // Two who share an address buy at the same time.
  expect(sizeOf("address", plans.starter.requestsPerSecond).capacity).toBeGreaterThan(2 * purchase);
});

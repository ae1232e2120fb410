import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test, vi } from "vitest";
import type * as z from "zod";
import { PAGE_BYTES } from "../../core/kernel/page.js";
import { Flush } from "../../drizzle/flush.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { createApp } from "../../functions/http/app.js";
import { boundsOf, priceOf } from "../../functions/http/price.js";
import { modules } from "../../functions/modules/index.js";
import { localSettings } from "../../stacks/local/stripe/host.js";
import { type Operation, operations, prefixOf } from "../isolation/operation.js";
import { fresh, newWorld, request, subscribe, type World } from "../isolation/world.js";
import { Cart } from "../support/client.js";
import { administrator, tenantTables } from "../support/database.js";
import { byCard } from "../support/stripe.js";
import { widest } from "./widest.js";

/** The dearest request of each operation that its schema admits, run in this process, so that its CPU is seen. */

vi.setConfig({ testTimeout: 300_000 });
const admin = administrator();
const endpoints = modules.flatMap(({ routes }) => routes ?? []);
const app = createApp(modules);
let all: Operation[];
let world: World;
let variants: string[];
let wideProduct: string;
let tables: string[] | undefined;

beforeAll(async () => {
  const { dir, url, appUrl, proxy, stripeUrl } = inject("system");
  const secrets = JSON.parse(readFileSync(join(dir, "secrets.json"), "utf8"));
  Object.assign(process.env, {
    STAGE: "local",
    DATABASE_URL: appUrl,
    NEON_PROXY: proxy,
    PUBLIC_URL: url,
    TOKEN_KEYS: secrets.tokenKeys,
    DATA_KEY: secrets.dataKey,
    ...localSettings(secrets, stripeUrl),
  });
  const ends = ({ name }: Operation) => name === "POST /v1/auth/logout"; // its session serves the others
  all = (await operations()).toSorted((one, other) => Number(ends(one)) - Number(ends(other)));
  world = await newWorld();
  variants = await fill(world);
  await subscribe(world.tenant);
}, 300_000);

/** A shop whose products are as large as they can be: a page of them is full. @returns variants, each for sale */
async function fill({ tenant }: World): Promise<string[]> {
  const values = Array.from({ length: 100 }, (_, at) => `Kind ${at}`.padEnd(100, "~"));
  const prices = [{ currency: "EUR", amount: 1_000 }];
  const made = await tenant.post("/v1/admin/products", {
    name: "~".repeat(200),
    description: "€".repeat(20_000),
    status: "active",
    options: [{ name: "Kind", values }],
    variants: values.map((value, at) => ({ sku: `WIDE-${at}`.padEnd(100, "~"), options: { Kind: value }, prices })),
  });
  await admin.query(
    `insert into product select (jsonb_populate_record(p, jsonb_build_object('id', uuidv7(), 'slug', 'wide-' || n))).*
       from product p, generate_series(1, 100) n where p.id = $1`,
    [typeIdToUuid("prd", made.id)],
  );
  const of = made.variants.map(({ id }: { id: string }) => id);
  const adjustments = of.map((variantId: string) => ({ variantId, delta: 100 }));
  await tenant.post("/v1/admin/inventory/adjustments", { adjustments, reason: "received" });
  wideProduct = made.id;
  return of;
}

interface Cost {
  statements: number;
  /** Rows that were inserted and changed, by what its events have caused meanwhile, too. */
  rows: number;
  bytes: number;
  /** Milliseconds of this process. */
  cpu: number;
  tokens: number;
}

/** The statement that counts the rows of a tenant that transactions since one have written. */
async function countWritten(): Promise<string> {
  tables ??= await tenantTables(admin);
  const each = tables.map(
    (table) => `select from "${table}" where tenant_id = $1 and xmin::text::bigint >= $2::bigint`,
  );
  return `select count(*) from (${each.join(" union all ")}) written`;
}

/** The answer of the call, and the bytes, rows and the bytes, rows and statements that it took. */
async function measure(operation: Operation, at: World, query: string, body?: unknown) {
  const made = await request(operation, at, body === undefined ? {} : { body });
  const { tenant } = at;
  const caller = operation.allow === "shopper" ? tenant.shop : operation.allow === "member" ? tenant.owner : tenant;
  let statements = 0;
  const { handleCommandComplete } = Flush.prototype;
  const spy = vi.spyOn(Flush.prototype, "handleCommandComplete").mockImplementation(function (this: Flush, message) {
    statements += 1;
    handleCommandComplete.call(this, message);
  });
  const since = await admin.query("select pg_snapshot_xmax(pg_current_snapshot())::text as id");
  const before = process.cpuUsage();
  const response = await app.request(made.path + query, {
    method: made.method,
    headers: {
      ...made.headers,
      ...(operation.allow !== "public" && { authorization: `Bearer ${caller.credential}` }),
      ...(made.body !== undefined && { "content-type": "application/json" }),
    },
    ...(made.body !== undefined && { body: JSON.stringify(made.body) }),
  });
  const text = await response.text();
  const { user, system } = process.cpuUsage(before);
  spy.mockRestore();
  const written = await admin.query(await countWritten(), [typeIdToUuid("ten", tenant.id), since.rows[0].id]);
  const rows = Number(written.rows[0].count);
  const cost = { statements, rows, bytes: Buffer.byteLength(text), cpu: Math.round((user + system) / 1000) };
  return { status: response.status, text, cost };
}

const endpointOf = ({ name }: Pick<Operation, "name">) =>
  endpoints.find(({ method, path }) => name === `${method.toUpperCase()} ${path}`) as (typeof endpoints)[number];

/** The longest page, with all that can be asked for besides. */
const dearestQuery = ({ query }: Operation) => {
  const wanted = { limit: "100", expand: "variants", wait: "2" };
  const given = Object.entries(wanted).filter(([name]) => query.some((field) => field.name === name));
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
};

/** A cart of a hundred lines, or its order, in the place of one with one line. */
async function wide({ name, method, params }: Operation, at: World): Promise<World> {
  const prefix = prefixOf(params[0]?.schema ?? {});
  if (prefix === "prd" && method === "GET") return { ...at, ids: { ...at.ids, prd: wideProduct } };
  const isOrder = prefix === "ord";
  if (!isOrder && prefix !== "crt") return at;
  const { tenant } = at;
  const cart = await Cart.open(tenant.shop, {
    // A line that is added is the hundredth.
    lines: variants.slice(name.endsWith("/lines") ? 1 : 0).map((variantId) => ({ variantId, quantity: 1 })),
  });
  await cart.prepare();
  const token = cart.shop.headers["x-cart-token"] ?? "";
  const ids = { ...at.ids, crt: cart.state.id, lin: cart.state.lines[0].id };
  if (!isOrder) return { ...at, ids, tokens: { ...at.tokens, crt: token }, version: cart.state.version };
  const { order } = (await cart.complete(undefined, name.includes("/store/") ? byCard : {})).body;
  if (name.endsWith("/refunds")) await tenant.post(`/v1/admin/orders/${order.id}/capture`, {});
  return { ...at, ids: { ...ids, ord: order.id }, tokens: { ...at.tokens, ord: token } };
}

type Seen = Cost & { name: string; status: number };

test("the dearest request of each operation stays within the bounds of its price", async () => {
  const seen: Seen[] = [];
  const undone: string[] = [];
  for (const operation of all) {
    const endpoint = endpointOf(operation);
    const query = dearestQuery(operation);
    const { cost: tokens } = priceOf(endpoint, new URLSearchParams(query));
    /** Garbage is collected at some time, and the machine may be busy: the best of three counts. */
    const send = async (body?: (at: World) => unknown, tries = 3): Promise<boolean> => {
      const at = await wide(operation, await fresh(operation, world));
      const { status, cost } = await measure(operation, at, query, body?.(at));
      if (cost.cpu > boundsOf(endpoint).cpu && tries > 1) return send(body, tries - 1);
      seen.push({ name: operation.name, status, ...cost, tokens });
      return status === operation.done;
    };
    const schema = endpoint.spec.body as z.ZodType | undefined;
    const body = schema && ((at: World) => widest(operation, schema, at.ids, variants));
    // The widest body may be refused by a rule; then one that the rules admit, too, is measured as well.
    if (!(await send(body)) && !(await send())) undone.push(operation.name);
  }
  expect(undone).toEqual([]);
  const exceeded = seen.flatMap((cost) => {
    const most = boundsOf(endpointOf(cost));
    const names = Object.keys(most) as (keyof typeof most)[];
    return names.filter((what) => cost[what] > most[what]).map((what) => [cost.name, what, cost[what], most[what]]);
  });
  expect(exceeded).toEqual([]);
});

test("a page of large rows ends early, and its cursor goes on behind the last of them", async () => {
  const { tenant } = world;
  for (const [caller, path] of [
    [tenant, "/v1/admin/products?limit=100&expand=variants"],
    [tenant.shop, "/v1/store/products?limit=100"],
  ] as const) {
    const found: string[] = [];
    let pages = 0;
    for (let cursor = ""; ; pages += 1) {
      const { status, body, text } = await caller.call("GET", `${path}${cursor && `&cursor=${cursor}`}`);
      expect([status, Buffer.byteLength(text) < PAGE_BYTES + 10_000]).toEqual([200, true]);
      found.push(...body.data.map(({ id }: { id: string }) => id));
      if (!body.nextCursor) break;
      cursor = body.nextCursor;
    }
    const all = await admin.query("select from product where tenant_id = $1 and ($2 or status = 'active')", [
      typeIdToUuid("ten", tenant.id),
      caller === tenant,
    ]);
    expect([found.length, new Set(found).size]).toEqual([all.rowCount, all.rowCount]);
    expect(pages).toBeGreaterThan(5);
  }
});

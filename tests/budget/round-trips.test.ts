import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, address, Cart, newProduct, newTenant, type Tenant, unique } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";
import { byCard } from "../support/stripe.js";

const host = ownHost(quiet);

/**
 * `[round trips, statements]` as the bridge counts them on the wire, all included: credential, BEGIN with the tenant and
 * the Idempotency-Key, COMMIT with events and the stored answer. A lease of rate tokens, once in half a second at
 * most, is left out here: one statement more, four in a write, which leases in a transaction of its own. It is what a request takes today: whoever needs more says why here.
 */
const READ = [1, 3] as const; // tenant, credential, rows
const CEILINGS = {
  // A cart is loaded by three statements: its lines with what is sold in them, its delivery, and the rates of tax.
  get: [1, 6],
  // A write sends its credential with BEGIN and the claim.
  // What moves the total of a cart also keeps the amounts that it has shown, with COMMIT.
  create: [4, 11],
  add: [3, 14],
  remove: [3, 14],
  patch: [3, 12],
  hold: [4, 15],
  complete: [4, 15],
  replay: [2, 7],
  // Besides: the lock of the client's reservations, the account, how the attempt stands, what Stripe called it, the answer
  // of the key.
  card: [8, 24],
  // What a capture or a refund changes travels with COMMIT; the order is read for the answer.
  capture: [4, 27],
  refund: [4, 27],
  product: [4, 13],
} as const;
const seen: Record<string, Cost> = {};
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant({}, host().url);
  const { account } = await tenant.post("/v1/admin/payments/account", {});
  host().stripe?.completeOnboarding(account);
  await tenant.post("/v1/admin/payments/account", {}); // asks how it stands: no event is handled here
}, 60_000);
afterAll(() => console.table(seen));

type Cost = { roundTrips: number; statements: number };
const expectWithin = (spent: Cost, [roundTrips, statements]: readonly [number, number]) =>
  expect(spent).toSatisfy((cost: Cost) => cost.roundTrips <= roundTrips && cost.statements <= statements);

/** What a request costs when the environment is warm. */
async function cost(name: string, request: () => Promise<Answer>) {
  // An environment looks closer at a key that is new to it, and notes its use once a minute; not while we count.
  for (const caller of [tenant, tenant.shop]) await caller.get("/v1/store/products?limit=1");
  const { bridge, admin } = host();
  const leasesSince = async (instant: string) => {
    const [row] = await admin.query(
      `select max(refilled_at)::text as last, count(*) filter (where refilled_at > $1) > 0 as leased from rate_bucket`,
      [instant],
    );
    return row as { last: string; leased: boolean };
  };
  const { last } = await leasesSince("-infinity");
  bridge.reset();
  const answer = await request();
  const counts = bridge.counts();
  const { roundTrips, connections } = counts;
  const leaseStatements = /\bget\b/i.test(name) ? 1 : 4;
  const statements = counts.statements - ((await leasesSince(last)).leased ? leaseStatements : 0);
  expect([name, answer.status, answer.text]).toEqual([name, expect.toSatisfy(isDone), expect.any(String)]);
  expect([name, connections]).toEqual([name, 0]);
  seen[name] = { roundTrips, statements };
  return { roundTrips, statements };
}
const isDone = (status: number) => status >= 200 && status < 300;

/** A prepared cart with so many lines, each of a product of its own. */
async function cartOf(count: number): Promise<Cart> {
  const { data } = await tenant.get("/v1/admin/products?limit=100&expand=variants");
  const variants = data.slice(0, count).map(({ variants: [variant] }: Listed) => variant?.id);
  while (variants.length < count) variants.push((await newProduct(tenant)).variantId);
  const adjustments = variants.map((variantId: string) => ({ variantId, delta: 5 }));
  await tenant.post("/v1/admin/inventory/adjustments", { adjustments, reason: "received" });
  const cart = await Cart.open(tenant.shop, {
    lines: variants.map((variantId: string) => ({ variantId, quantity: 1 })),
  });
  return cart.prepare();
}

async function reads(shelf: string): Promise<Cost[]> {
  const { productId } = await newProduct(tenant, { stock: 1 });
  const { shop } = tenant;
  const requests: [typeof shop, string][] = [
    [shop, "/v1/store/products?limit=20"],
    [shop, `/v1/store/products/${productId}`],
    [tenant, "/v1/admin/products?limit=20&expand=variants"],
    [tenant, `/v1/admin/products/${productId}`],
    [tenant, "/v1/admin/orders?limit=20"],
    [tenant, "/v1/admin/inventory?limit=20"],
    [tenant, "/v1/admin/ledger/accounts"],
    [tenant, "/v1/admin/disputes?limit=20"],
    [tenant, "/v1/admin/incidents?limit=20"],
    [tenant, "/v1/admin/reports/sales"], // a feature of the plan, which the credential's look-up knows
  ];
  const costs = [];
  for (const [caller, path] of requests) {
    const name = `${shelf} products: GET ${path.replace(productId, "{id}")}`;
    costs.push(await cost(name, () => caller.call("GET", path)));
  }
  return costs;
}

/** A product with so many variants. */
const newSeries = (count: number) => {
  const values = Array.from({ length: count }, (_, index) => `V${index}`);
  const prices = [{ currency: "EUR", amount: 1_000 }];
  const variants = values.map((value) => ({ sku: unique("SKU-"), options: { Kind: value }, prices }));
  return { name: unique("Series "), status: "active", options: [{ name: "Kind", values }], variants };
};

async function sale(lines: number) {
  const cart = await cartOf(lines);
  const { variantId } = await newProduct(tenant, { stock: 5 });
  const own = unique();
  const key = (name: string) => ({ "idempotency-key": `${name.replace(" ", "-")}-${own}` });
  const { shop, path } = cart;
  const change = (name: string, method: string, to: string, body?: object) => {
    return cost(`${lines} lines: ${name}`, async () => {
      const headers = { ...cart.ifMatch, ...key(name) };
      const answer = await shop.call(method, path + to, { headers, ...(body && { body }) });
      cart.state = answer.body;
      return answer;
    });
  };
  const line = `/lines/${cart.state.lines[0].id}`;
  const another = await cartOf(lines);
  const body = { lines: another.state.lines.map(({ variantId: id }: Line) => ({ variantId: id, quantity: 1 })) };
  const staff = (name: string, path: string, request: object = {}) =>
    cost(`${lines} lines: ${name}`, () => tenant.call("POST", path, { body: request, headers: key(name) }));
  const product = await staff("create product", "/v1/admin/products", newSeries(lines));
  const create = await cost(`${lines} lines: create cart`, () => shop.call("POST", "/v1/store/carts", { body }));
  const patch = await change("patch address", "PATCH", "", { shippingAddress: address });
  const sold = {
    get: await cost(`${lines} lines: get cart`, () => shop.call("GET", path)),
    remove: await change("remove line", "DELETE", line),
    add: await change("add line", "POST", "/lines", { variantId, quantity: 1 }),
    hold: await change("hold", "POST", "/hold"),
    complete: await cost(`${lines} lines: complete`, () => cart.complete(`complete-${own}`)),
    replay: await cost(`${lines} lines: complete, replayed`, () => cart.complete(`complete-${own}`)),
    card: await cost(`${lines} lines: complete by card`, () => another.complete(`card-${own}`, byCard)),
  };
  const { order } = (await cart.complete(`complete-${own}`)).body;
  const capture = await staff("capture", `/v1/admin/orders/${order.id}/capture`);
  const refund = await staff("refund", `/v1/admin/orders/${order.id}/refunds`, { amount: 1 });
  return { product, create, patch, ...sold, capture, refund };
}

interface Line {
  variantId: string;
}

/** How many transaction ids the database has given out. */
async function transactionIds(): Promise<number> {
  const [row] = await host().admin.query("select pg_snapshot_xmax(pg_current_snapshot())::text as next");
  return Number(row?.next);
}

describe("what one request costs the database", () => {
  // Once more when a new environment, which looks at its role and at the key first, came in between.
  test("reads are one round trip, however many products there are", { retry: 2 }, async () => {
    const few = await reads("few");
    for (const spent of few) expectWithin(spent, READ);
    for (let i = 0; i < 30; i += 1) await newProduct(tenant);
    const many = await reads("many");
    expect(many).toEqual(few);
  });

  test("a read takes no transaction id, but for leases of tokens", { retry: 2 }, async () => {
    const paths = ["/v1/store/products?limit=20", "/v1/admin/orders?limit=20"];
    const read = (count: number) => tenant.get(paths[count % 2] ?? "");
    for (let count = 0; count < 10; count += 1) await read(count);
    const before = await transactionIds();
    for (let count = 0; count < 100; count += 1) await read(count);
    expect((await transactionIds()) - before).toBeLessThanOrEqual(10);
  });

  test("a cart costs the same with 1 line and with 100", { retry: 2, timeout: 120_000 }, async () => {
    const [one, hundred] = [await sale(1), await sale(100)];
    expect(hundred).toEqual(one);
    for (const [name, ceiling] of Object.entries(CEILINGS)) expectWithin(one[name as keyof typeof one], ceiling);
  });
});

interface Listed {
  variants: { id: string }[];
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, Cart, newProduct, newTenant, type Tenant } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";

/**
 * Round trips and statements of one request as the bridge counts them on the wire, all included: credential, rate
 * tokens, BEGIN with the tenant and the Idempotency-Key, COMMIT with events and the stored answer. Ceilings are what
 * it takes today: whoever needs more says why here.
 */
const host = ownHost(quiet);
const CEILINGS = {
  get: [1, 5],
  add: [6, 13],
  remove: [6, 13],
  hold: [7, 14],
  complete: [7, 15],
  replay: [3, 9],
} as const;
const seen: Record<string, { roundTrips: number; statements: number }> = {};
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant({}, host().url);
  await Promise.all([tenant, tenant.shop].map((caller) => caller.get("/v1/store/products"))); // a key's first use is noted
}, 60_000);
afterAll(() => console.table(seen));

/** What a request costs when the environment is warm. */
async function cost(name: string, request: () => Promise<Answer>) {
  const { bridge } = host();
  bridge.reset();
  const answer = await request();
  const { roundTrips, statements, connections } = bridge.counts();
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

async function reads(shelf: string) {
  const { productId } = await newProduct(tenant, { stock: 1 });
  const paths = ["/v1/store/products?limit=20", `/v1/store/products/${productId}`];
  const admin = ["/v1/admin/products?limit=20&expand=variants", `/v1/admin/products/${productId}`];
  return [
    ...(await all(paths.map((path) => [path, () => tenant.shop.call("GET", path)]))),
    ...(await all(admin.map((path) => [path, () => tenant.call("GET", path)]))),
    await cost(`${shelf}: GET /v1/admin/orders?limit=20`, () => tenant.call("GET", "/v1/admin/orders?limit=20")),
    await cost(`${shelf}: GET /v1/admin/inventory`, () => tenant.call("GET", "/v1/admin/inventory")),
  ];
  async function all(requests: [string, () => Promise<Answer>][]) {
    const costs = [];
    for (const [path, request] of requests) {
      costs.push(await cost(`${shelf}: GET ${path.replace(productId, "{id}")}`, request));
    }
    return costs;
  }
}

async function sale(lines: number) {
  const cart = await cartOf(lines);
  const { variantId } = await newProduct(tenant, { stock: 5 });
  const key = (name: string) => ({ "idempotency-key": `${name.replace(" ", "-")}-${lines}` });
  const { shop, path } = cart;
  const change = async (name: string, method: string, to: string, body?: object) => {
    const made = await cost(`${lines} lines: ${name}`, async () => {
      const headers = { ...cart.ifMatch, ...key(name) };
      const answer = await shop.call(method, path + to, { headers, ...(body && { body }) });
      cart.state = answer.body;
      return answer;
    });
    return made;
  };
  const line = `/lines/${cart.state.lines[0].id}`;
  const costs = {
    get: await cost(`${lines} lines: get cart`, () => shop.call("GET", path)),
    remove: await change("remove line", "DELETE", line),
    add: await change("add line", "POST", "/lines", { variantId, quantity: 1 }),
    hold: await change("hold", "POST", "/hold"),
    complete: await cost(`${lines} lines: complete`, () => cart.complete(`complete-${lines}`)),
    replay: await cost(`${lines} lines: complete, replayed`, () => cart.complete(`complete-${lines}`)),
  };
  return costs;
}

describe("what one request costs the database", () => {
  test("reads are one round trip, however many products there are", async () => {
    const few = await reads("few products");
    expect(few.map(({ roundTrips }) => roundTrips)).toEqual(few.map(() => 1));
    for (let i = 0; i < 30; i += 1) await newProduct(tenant);
    const many = await reads("many products");
    expect(many).toEqual(few);
    for (const { statements } of many) expect(statements).toBeLessThanOrEqual(4); // tenant, credential, tokens, rows
  });

  test("a cart costs the same with 1 line and with 100", async () => {
    const [one, hundred] = [await sale(1), await sale(100)];
    expect(hundred).toEqual(one);
    for (const [name, [roundTrips, statements]] of Object.entries(CEILINGS)) {
      const cost = one[name as keyof typeof one];
      expect([name, cost.roundTrips <= roundTrips, cost.statements <= statements]).toEqual([name, true, true]);
    }
  }, 120_000);
});

interface Listed {
  variants: { id: string }[];
}

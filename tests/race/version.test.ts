import { beforeAll, describe, expect, test, vi } from "vitest";
import { Cart, newProduct, newTenant, type Tenant } from "../support/client.js";
import { tally } from "../support/outcome.js";
import { atOnce } from "./race.js";

vi.setConfig({ testTimeout: 90_000 }); // the crowd waits for 16 environments to start
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe("100 changes at once of one version", () => {
  test("of a product: one is made, 99 hear the current version", async () => {
    const { productId } = await newProduct(tenant);
    const path = `/v1/admin/products/${productId}`;
    const { version } = await tenant.get(path);
    const answers = await atOnce(100, (index) =>
      tenant.call("PATCH", path, { body: { name: `Mug ${index}` }, headers: { "if-match": `"${version}"` } }),
    );
    expect(tally(answers)).toEqual({ "200": 1, "412 version_stale": 99 });
    const won = answers.findIndex(({ status }) => status === 200);
    for (const { status, body } of answers) if (status === 412) expect(body.currentVersion).toBe(version + 1);
    expect(await tenant.get(path)).toMatchObject({ name: `Mug ${won}`, version: version + 1 });
    expect(answers[won]?.headers.get("etag")).toMatch(new RegExp(`^"${version + 1}\\.`));
  });

  test("of a cart: one line is added", async () => {
    const { variantId } = await newProduct(tenant);
    const cart = await Cart.open(tenant.shop);
    const body = { variantId, quantity: 1 };
    const answers = await atOnce(50, () =>
      cart.shop.call("POST", `${cart.path}/lines`, { body, headers: cart.ifMatch }),
    );
    expect(tally(answers)).toEqual({ "200": 1, "412 version_stale": 49 });
    expect((await cart.shop.get(cart.path)).lines).toMatchObject([{ quantity: 1 }]);
  });
});

test("a cart is changed by those only who say which version they saw", async () => {
  const { variantId } = await newProduct(tenant);
  const cart = await (await Cart.open(tenant.shop)).add(variantId);
  const line = `${cart.path}/lines/${cart.state.lines[0].id}`;
  const change = { body: { quantity: 2 } };
  const blind = [
    await cart.shop.call("PATCH", cart.path, { body: { email: "ada@example.com" } }),
    await cart.shop.call("POST", `${cart.path}/lines`, { body: { variantId, quantity: 1 } }),
    await cart.shop.call("PATCH", line, change),
    await cart.shop.call("DELETE", line),
    await cart.shop.call("POST", `${cart.path}/hold`),
  ];
  expect(tally(blind)).toEqual({ "428 version_required": 5 });
  expect(tally([await cart.shop.call("PATCH", line, { ...change, headers: { "if-match": "latest" } })])).toEqual({
    "400 if_match_invalid": 1,
  });
  expect((await cart.shop.get(cart.path)).version).toBe(cart.state.version);
  for (const known of ['W/"2"', "2", "*"]) {
    const headers = { "if-match": known.replace("2", cart.state.version) };
    const answer = await cart.shop.call("PATCH", line, { ...change, headers });
    expect(answer.status).toBe(200);
    cart.state = answer.body;
  }
});

test("a resource is answered each time: there is no 304", async () => {
  const { productId } = await newProduct(tenant);
  const path = `/v1/admin/products/${productId}`;
  const first = await tenant.call("GET", path);
  const etag = first.headers.get("etag") ?? "";
  const again = await tenant.call("GET", path, { headers: { "if-none-match": etag } });
  expect([again.status, again.body]).toEqual([200, first.body]);
});

import { beforeAll, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, Cart, newProduct, newTenants, type Tenant } from "../support/client.js";
import { faults, outcome, tally } from "../support/outcome.js";

let mine: Tenant;
let theirs: Tenant;
let mug: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  ({ variantId: mug } = await newProduct(mine));
});

const open = (body: object) => mine.shop.call("POST", "/v1/store/carts", { body });
const send = (cart: Cart, method: string, path: string, body?: unknown) =>
  cart.shop.call(method, cart.path + path, { body, headers: cart.ifMatch });
const withMug = () => Cart.open(mine.shop, { lines: [{ variantId: mug, quantity: 1 }] });

test("lines are added, merged, changed and removed", async () => {
  const { variantId: bowl } = await newProduct(mine);
  const cart = await Cart.open(mine.shop);
  await cart.add(mug, 2);
  await cart.add(bowl);
  await cart.add(mug);
  const lines = (of: Body) => of.lines.map(({ variantId, quantity }: Body) => [variantId, quantity]);
  expect(lines(cart.state)).toEqual([
    [mug, 3],
    [bowl, 1],
  ]);
  const [line] = cart.state.lines;
  cart.state = (await send(cart, "PATCH", `/lines/${line.id}`, { quantity: 7 })).body;
  expect(lines(cart.state)[0]).toEqual([mug, 7]);
  cart.state = (await send(cart, "DELETE", `/lines/${line.id}`)).body;
  expect([lines(cart.state), cart.state.version]).toEqual([[[bowl, 1]], 6]);
});

test("lines hold what is sold here and nothing else", async () => {
  const { variantId: foreign } = await newProduct(theirs);
  const { variantId: draft } = await newProduct(mine, { status: "draft" });
  const { variants } = await mine.post("/v1/admin/products", {
    name: "Not priced in euros",
    status: "active",
    variants: [{ sku: "USD-ONLY", prices: [{ currency: "USD", amount: 100 }] }],
  });
  const cart = await Cart.open(mine.shop);
  for (const variantId of [foreign, draft, variants[0].id, newTypeId("var")]) {
    const line = { variantId, quantity: 1 };
    const [added, opened] = [await send(cart, "POST", "/lines", line), await open({ lines: [line] })];
    expect([faults(added), faults(opened)]).toEqual([
      "422 variant.unavailable /variantId",
      expect.stringMatching(/^422 variant\.unavailable \/lines(\/0\/variantId)?$/),
    ]);
  }
  expect((await cart.shop.get(cart.path)).version).toBe(1);
});

test("lines are a hundred at most", async () => {
  const variants = Array.from({ length: 100 }, (_, index) => ({
    sku: `ONE-OF-${index}`,
    options: { size: String(index) },
    prices: [{ currency: "EUR", amount: 100 }],
  }));
  const options = [{ name: "size", values: variants.map(({ options: { size } }) => size) }];
  const shirt = await mine.post("/v1/admin/products", { name: "Shirt", status: "active", options, variants });
  const lines = shirt.variants.map(({ id: variantId }: Body) => ({ variantId, quantity: 1 }));
  const cart = await Cart.open(mine.shop, { lines });
  expect(cart.state.lines).toHaveLength(100);
  const more = await send(cart, "POST", "/lines", { variantId: mug, quantity: 1 });
  expect(outcome(more)).toBe("409 cart.too_many_lines");
  expect(outcome(await send(cart, "POST", "/lines", lines[0]))).toBe("200");
});

test("lines cost no more than an order can hold", async () => {
  const { variantId } = await newProduct(mine, { amount: 99_999_999_999 });
  const cart = await Cart.open(mine.shop, { lines: [{ variantId, quantity: 1 }] });
  const answers = [
    await send(cart, "POST", "/lines", { variantId, quantity: 9_999 }),
    await send(cart, "PATCH", `/lines/${cart.state.lines[0].id}`, { quantity: 10_000 }),
  ];
  expect(answers.map(faults)).toEqual(Array(2).fill("422 cart.total_too_large /quantity"));
});

test("lines are found in their own cart only", async () => {
  const [cart, other] = [await withMug(), await withMug()];
  const answers = [];
  for (const id of [other.state.lines[0].id, newTypeId("lin")]) {
    answers.push(await send(cart, "PATCH", `/lines/${id}`, { quantity: 1 }));
    answers.push(await send(cart, "DELETE", `/lines/${id}`));
  }
  expect(tally(answers)).toEqual({ "404 cart_line.not_found": 4 });
});

test("lines show the prices of the moment", async () => {
  const { variantId } = await newProduct(mine, { amount: 1_000 });
  const cart = await Cart.open(mine.shop, { lines: [{ variantId, quantity: 2 }] });
  await mine.put(`/v1/admin/variants/${variantId}/prices`, { prices: [{ currency: "EUR", amount: 700 }] });
  const { lines } = await cart.shop.get(cart.path);
  expect(lines[0]).toMatchObject({ unitPrice: { amount: 700 }, subtotal: { amount: 1_400 } });
});

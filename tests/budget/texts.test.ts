import { beforeAll, expect, test, vi } from "vitest";
import { Cart } from "../../core/cart/index.js";
import { Catalog } from "../../core/catalog/index.js";
import { Checkout } from "../../core/checkout/index.js";
import { Inventory } from "../../core/inventory/index.js";
import { db } from "../../core/kernel/db.js";
import { Order } from "../../core/order/index.js";
import { Connection } from "../../drizzle/connection.js";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import { address, newTenant, type Tenant, unique } from "../support/client.js";
import { administrator } from "../support/database.js";
import { asSystem } from "../support/domain.js";
import { checkTexts } from "../support/text-family.js";

/** Each text becomes a prepared statement of its session, so that no text may depend on how many rows it is about. */
const admin = administrator();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
  await admin.query(
    `insert into payment_account (tenant_id, id, provider, account, livemode, status, charges_enabled)
     select tenant_id, uuidv7(), 'stripe', $2, livemode, 'active', true from tenant where tenant_id = $1`,
    [typeIdToUuid("ten", tenant.id), unique("acct_")],
  );
  process.env.STRIPE_SECRET_KEY = "sk_live_1,sk_test_1";
});

/** The texts that `run` sends. */
async function textsOf(run: () => Promise<unknown>): Promise<string[]> {
  const texts = new Set<string>();
  const { query, send, defer } = Connection.prototype;
  const spies = [
    vi.spyOn(Connection.prototype, "query").mockImplementation(function (this: Connection, statement) {
      texts.add(statement.text);
      return query.call(this, statement);
    }),
    vi.spyOn(Connection.prototype, "send").mockImplementation(function (this: Connection, statements, timeout) {
      for (const { text } of statements) texts.add(text);
      return send.call(this, statements, timeout);
    }),
    vi.spyOn(Connection.prototype, "defer").mockImplementation(function (this: Connection, statement) {
      texts.add(statement.text);
      defer.call(this, statement);
    }),
  ];
  try {
    await asSystem(tenant.id, run);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return [...texts].sort();
}

/** A product with so many variants, on the shelf. */
async function newShelf(count: number): Promise<string[]> {
  const values = Array.from({ length: count }, (_, index) => `V${index}`);
  const product = await Catalog.create({
    name: unique("Mug "),
    status: "active",
    options: [{ name: "Kind", values }],
    variants: values.map((value) => ({
      sku: unique("SKU-"),
      options: { Kind: value },
      prices: [{ currency: "EUR", amount: 1_000 }],
    })),
  });
  const variantIds = product.variants.map(({ id }) => id);
  const adjustments = variantIds.map((variantId) => ({ variantId, delta: 9 }));
  await Inventory.adjust({ adjustments, reason: "received" });
  return variantIds;
}

async function newCart(variantIds: readonly string[]) {
  const lines = variantIds.map((variantId) => ({ variantId, quantity: 1 }));
  const { id, token } = await Cart.create({ lines });
  const { data } = await Cart.listShippingOptions({ id, token });
  const change = { email: "ada@example.com", shippingAddress: address, shippingOptionId: data[0]?.id };
  await Cart.update({ cart: { id, token }, change });
  return { id, token };
}

/** Sells a shelf twice: once to be paid later, and once by a card that is never shown, so that the order is cancelled. */
async function sell(count: number): Promise<void> {
  const variantIds = await newShelf(count);
  await Checkout.complete({ cart: await newCart(variantIds), completion: {} });
  const cart = await newCart(variantIds);
  await Cart.reserveStock(cart);
  await Checkout.complete({ cart, completion: { payment: { provider: "stripe" } } });
  const { rows } = await admin.query('select id from "order" where tenant_id = $1 and status = $2', [
    typeIdToUuid("ten", tenant.id),
    "pending",
  ]);
  for (const { id } of rows) await db((tx) => Order.cancel(tx, { ...unflagged, id: orderId(id) }, "payment_expired"));
}

const unflagged = { attention: null, concerns: [] };
const orderId = (uuid: string) => uuidToTypeId("ord", uuid);

test("a shelf of 1, 2, 5, 20 and 100 variants is made, sold and cancelled by the same texts", {
  timeout: 120_000,
}, async () => {
  await textsOf(() => sell(1)); // the first connection of a process checks its role
  const one = await textsOf(() => sell(1));
  for (const count of [2, 5, 20, 100]) expect(await textsOf(() => sell(count))).toEqual(one);
  expect(one.length).toBeLessThan(60);
  console.log(`${one.length} texts`);
});

test("the check of a whole run finds texts that differ in the number of their values", () => {
  const insert = "insert into a values ($1, $2)";
  expect(() => checkTexts(new Set([insert, "select $1", "select a from b where c = $1"]))).not.toThrow();
  for (const more of [`${insert}, ($3, $4)`, "insert into a values ($1, $2, $3)"])
    expect(() => checkTexts(new Set([insert, more]))).toThrow("number of values");
  expect(() => checkTexts(new Set(["x in ($1)", "x in ($1, $2, $3)"]))).toThrow("number of values");
  expect(() => checkTexts(new Set(Array.from({ length: 1_001 }, (_, index) => `select ${index}`)))).toThrow("1001");
});

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, address, Caller, type Tenant, unique } from "../support/client.js";

/** What a client knows that it did: the answer of each write, however often it had to ask. */
export interface Journal {
  orders: { tenant: Tenant; cartId: string; orderId: string; quantity: number; total: number }[];
  products: { tenant: Tenant; productId: string }[];
  /** Answers that said nothing of the effect: 5xx, broken connections, keys in flight. */
  unknown: number;
}
export const newJournal = (): Journal => ({ orders: [], products: [], unknown: 0 });

/** Asks with the same key until the answer is final, as a client should. */
async function insist(journal: Journal, ask: () => Promise<Answer>): Promise<Answer> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const answer = await ask().catch(() => undefined);
    if (answer && answer.status < 500 && answer.body?.code !== "idempotency_key_in_flight") return answer;
    journal.unknown += 1;
    await sleep(20 + Math.random() * 60);
  }
  throw new Error("No final answer in half a minute.");
}

function expectStatus(wanted: number, { status, text, body }: Answer) {
  if (status !== wanted) throw new Error(`${status} instead of ${wanted}: ${text}`);
  return body;
}

/** One guest's purchase. A cart whose making is unknown is left behind; the checkout is not. */
export async function checkout(journal: Journal, tenant: Tenant, variantId: string, shippingOptionId: string) {
  const quantity = 1 + Math.floor(Math.random() * 2);
  const body = { email: "ada@example.com", lines: [{ variantId, quantity }] };
  const cart = expectStatus(201, await insist(journal, () => tenant.shop.call("POST", "/v1/store/carts", { body })));
  const path = `/v1/store/carts/${cart.id}`;
  const shop = tenant.shop.with({ "x-cart-token": cart.token });
  const change = { shippingAddress: address, shippingOptionId };
  const changing = { body: change, headers: { "if-match": `"${cart.version}"`, "idempotency-key": randomUUID() } };
  expectStatus(200, await insist(journal, () => shop.call("PATCH", path, changing)));
  const completing = { body: {}, headers: { "idempotency-key": randomUUID() } };
  const completed = await insist(journal, () => shop.call("POST", `${path}/complete`, completing));
  const { order } = expectStatus(200, completed);
  journal.orders.push({ tenant, cartId: cart.id, orderId: order.id, quantity, total: order.totals.total.amount });
}

/** One product of the merchant. */
export async function stockUp(journal: Journal, tenant: Tenant) {
  const sku = unique("SKU-");
  const body = {
    name: `Cup ${sku}`,
    status: "active",
    variants: [{ sku, prices: [{ currency: "EUR", amount: 500 }] }],
  };
  const headers = { "idempotency-key": randomUUID() };
  const made = await insist(journal, () => tenant.call("POST", "/v1/admin/products", { body, headers }));
  journal.products.push({ tenant, productId: expectStatus(201, made).id });
}

/** The shipping option that every cart of this tenant can have. */
export async function shippingOption({ url, shop }: Tenant, variantId: string): Promise<string> {
  const cart = await shop.post("/v1/store/carts", { lines: [{ variantId, quantity: 1 }] });
  const guest = new Caller(url, shop.credential, { "x-cart-token": cart.token });
  return (await guest.get(`/v1/store/carts/${cart.id}/shipping-options`)).data[0].id;
}

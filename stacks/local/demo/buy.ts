// `npm run demo:buy` buys something on account, `npm run demo:card` by card.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { addressIn } from "../page/storefront.js";
import { type Answer, type Conversation, converse, money } from "./conversation.js";

type Token = Record<"x-cart-token", string>;

/** A cart with two of the first product, ready to be completed, and its token. */
async function fillCart(shop: Conversation): Promise<{ cart: Answer; token: Token }> {
  const { PK, COUNTRY, EMAIL: email } = shop.settings; // in test mode, mails go to members of the shop only
  const { data } = await shop.ask("GET", "/v1/store/products?limit=1", PK);
  const lines = [{ variantId: data[0].variants[0].id, quantity: 2 }];
  const made = await shop.ask("POST", "/v1/store/carts", PK, { email, lines });
  const path = `/v1/store/carts/${made.id}`;
  const token = { "x-cart-token": made.token };
  const any = { ...token, "if-match": "*" };
  await shop.ask("PATCH", path, PK, { shippingAddress: addressIn(COUNTRY) }, any);
  const options = await shop.ask("GET", `${path}/shipping-options`, PK, undefined, token);
  const cart = await shop.ask("PATCH", path, PK, { shippingOptionId: options.data[0].id }, any);
  return { cart, token };
}

/** Waits for the payment on Stripe's page, where somebody is there to make it. */
async function awaitPayment(shop: Conversation, order: Answer, token: Token): Promise<void> {
  if (!process.stdout.isTTY) return;
  console.log("\nWaiting for the payment; Ctrl-C ends the wait.");
  const headers = { authorization: `Bearer ${shop.settings.PK}`, ...token };
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await fetch(`${shop.settings.URL}/v1/store/orders/${order.id}`, { headers });
    const { paymentStatus }: Answer = await answer.json();
    if (["captured", "authorized"].includes(paymentStatus)) break;
    await sleep(1_000);
  }
  await shop.ask("GET", `/v1/store/orders/${order.id}`, shop.settings.PK, undefined, token);
}

await converse(async (shop) => {
  const { URL: url, PK, SK } = shop.settings;
  const { cart, token } = await fillCart(shop);
  const byCard = { provider: "stripe", method: "checkout_session", returnUrl: url };
  const payment = process.argv.includes("card") ? byCard : { provider: "manual" };
  const completion = { payment, expectedTotal: cart.totals.total };
  const once = { ...token, "idempotency-key": randomUUID() };
  const done = await shop.ask("POST", `/v1/store/carts/${cart.id}/complete`, PK, completion, once);
  console.log(`\nOrder ${done.order.number} over ${money(done.order.totals.total)} is ${done.order.status}.`);
  if (payment === byCard) {
    console.log(`Pay it here; a test card is filled in:\n\n  ${done.payment.action.url}`);
    await awaitPayment(shop, done.order, token);
  } else await shop.ask("GET", `/v1/admin/orders/${done.order.id}`, SK);
});

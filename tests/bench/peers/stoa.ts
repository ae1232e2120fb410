import { randomUUID } from "node:crypto";
import { address } from "../../support/client.js";
import type { Shop } from "../shop.js";
import { check, type Http } from "./http.js";
import { type Side, turn } from "./side.js";

interface Cart {
  id: string;
  token: string;
  version: number;
}

/** The bench's own shop. */
export function stoaSide(shop: Shop): Side {
  const shopper = { authorization: `Bearer ${shop.publishableKey}` };
  const staff = { authorization: `Bearer ${shop.secretKey}` };
  let cursors: string[] = [""];
  const variantOf = (nth: number) => turn(shop.variantIds, nth * 13);
  const list = (http: Http, cursor: string) =>
    http({ path: `/v1/store/products?limit=20${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, headers: shopper });
  const write = async (http: Http, path: string, body: unknown, cart?: Cart, method: "POST" | "PATCH" = "POST") => {
    const held = cart && { "x-cart-token": cart.token, "if-match": `"${cart.version}"` };
    const answer = await http({
      path,
      method,
      body,
      headers: { ...shopper, ...held, "idempotency-key": randomUUID() },
    });
    if (cart) cart.version = answer.version;
    return answer;
  };
  const start = (http: Http, nth: number): Promise<Cart> =>
    write(http, "/v1/store/carts", { lines: [{ variantId: variantOf(nth), quantity: 1 }] });
  return {
    name: "Stoa",
    origin: shop.url,
    async prepare(http) {
      cursors = [""];
      for (let page = 1; page < 50; page += 1) {
        const { nextCursor } = await list(http, turn(cursors, cursors.length - 1));
        if (nextCursor) cursors.push(nextCursor);
      }
    },
    operations: {
      async list(http, nth) {
        const { data } = await list(http, turn(cursors, nth));
        check(data.length === 20 && data[3].variants.length === 4 && data[3].variants[0].price.amount > 0);
      },
      async detail(http, nth) {
        const { variants } = await http({
          path: `/v1/store/products/${turn(shop.products, nth * 7)}`,
          headers: shopper,
        });
        check(variants.length === 4);
      },
      cart: start,
      async checkout(http, nth) {
        const cart = await start(http, nth);
        const path = `/v1/store/carts/${cart.id}`;
        await write(http, `${path}/lines`, { variantId: variantOf(nth + 1), quantity: 1 }, cart);
        const change = { email: `buyer${nth}@peer.test`, shippingAddress: address };
        await write(http, path, { ...change, shippingOptionId: shop.shippingOptionId }, cart, "PATCH");
        const { order } = await write(http, `${path}/complete`, {}, cart);
        check(order.id !== undefined);
      },
      async orders(http) {
        const { data } = await http({ path: "/v1/admin/orders?limit=20", headers: staff });
        check(data.length === 20);
      },
    },
  };
}

import { readFileSync } from "node:fs";
import { idsFile, ports, staff } from "./home.js";
import { check, type Http } from "./http.js";
import { type Side, turn } from "./side.js";

interface Ids {
  readonly key: string;
  readonly region: string;
  readonly products: readonly string[];
  readonly variants: readonly string[];
}

const address = {
  first_name: "Peer",
  last_name: "Buyer",
  address_1: "Street 1",
  city: "Berlin",
  country_code: "de",
  postal_code: "10115",
};
const product =
  "id,title,handle,description,thumbnail,variants.id,variants.title,variants.sku,*variants.calculated_price";
const order =
  "id,status,created_at,email,display_id,payment_status,fulfillment_status,total,currency_code,*customer," +
  "*sales_channel,*payment_collections";

/** The steps that Medusa's checkout takes between the lines and the order, and the order. */
async function finish(http: Http, headers: Record<string, string>, cart: string, nth: number): Promise<void> {
  const email = `buyer${nth}@peer.test`;
  const path = `/store/carts/${cart}`;
  await http({ path, headers, body: { email, shipping_address: address, billing_address: address } });
  const { shipping_options } = await http({ path: `/store/shipping-options?cart_id=${cart}`, headers });
  await http({ path: `${path}/shipping-methods`, headers, body: { option_id: shipping_options[0].id } });
  const { payment_collection } = await http({ path: "/store/payment-collections", headers, body: { cart_id: cart } });
  const sessions = `/store/payment-collections/${payment_collection.id}/payment-sessions`;
  await http({ path: sessions, headers, body: { provider_id: "pp_system_default" } });
  const { type } = await http({ path: `${path}/complete`, headers, body: {} });
  check(type === "order");
}

export function medusaSide(): Side {
  const { key, region, products, variants }: Ids = JSON.parse(readFileSync(idsFile("medusa"), "utf8"));
  const headers = { "x-publishable-api-key": key };
  const place = `region_id=${region}&country_code=de&fields=${product}`;
  let token = "";
  const add = (http: Http, cart: string, nth: number) => {
    const body = { variant_id: turn(variants, nth * 13), quantity: 1 };
    return http({ path: `/store/carts/${cart}/line-items`, headers, body });
  };
  async function start(http: Http, nth: number): Promise<string> {
    const { cart } = await http({ path: "/store/carts", headers, body: { region_id: region } });
    await add(http, cart.id, nth);
    return cart.id;
  }
  return {
    name: "Medusa",
    origin: `http://127.0.0.1:${ports.medusa}`,
    async prepare(http) {
      ({ token } = await http({ path: "/auth/user/emailpass", headers, body: staff }));
    },
    operations: {
      async list(http, nth) {
        const answer = await http({ path: `/store/products?limit=20&offset=${(nth % 50) * 20}&${place}`, headers });
        const [first] = answer.products;
        check(answer.products.length === 20 && first.variants[0].calculated_price.calculated_amount > 0);
      },
      async detail(http, nth) {
        const answer = await http({ path: `/store/products/${turn(products, nth * 7)}?${place}`, headers });
        check(answer.product.variants[0].calculated_price.calculated_amount > 0);
      },
      cart: start,
      async checkout(http, nth) {
        const cart = await start(http, nth);
        await add(http, cart, nth + 1);
        await finish(http, headers, cart, nth);
      },
      async orders(http) {
        const authorization = `Bearer ${token}`;
        const { orders } = await http({ path: `/admin/orders?limit=20&fields=${order}`, headers: { authorization } });
        check(orders.length === 20);
      },
    },
  };
}

import type Stripe from "stripe";
import { z } from "zod";
import { type Kind, type Route, route, type Store } from "../engine/engine.js";
import { missing, refused } from "../engine/failure.js";
import { emptyable, flag, listing, nothing, text } from "../engine/shape.js";
import { createPrice, defaultPriceParams } from "./price.js";
import { newProduct, patchOf, productParams } from "./product-shape.js";

const createParams = z.strictObject({
  ...productParams,
  name: text,
  id: text.max(255).optional(),
  default_price_data: z.lazy(() => defaultPriceParams).optional(),
});
const updateParams = z.strictObject({ ...productParams, name: text.optional(), default_price: text.optional() });
const listParams = z.strictObject({
  ...listing,
  active: flag.optional(),
  ids: z.array(text).optional(),
  url: emptyable(text).optional(),
});
function create({ id, default_price_data, ...params }: z.output<typeof createParams>, store: Store) {
  if (id !== undefined && store.find("product", id))
    throw refused("Product already exists.", { code: "resource_already_exists", param: "id" });
  const product = store.put(newProduct(store, id ?? store.id("prod"), params), "product.created");
  if (!default_price_data) return product;
  const price = createPrice(store, { ...default_price_data, product: product.id });
  return store.change(product, { default_price: price.id }, "product.updated");
}

/** @throws Failure resource_missing for an absent or deleted product */
function liveProduct(store: Store, id: string | undefined, param?: string): Stripe.Product {
  const product = store.get("product", id, param);
  if (product.deleted) throw missing("product", product.id, param);
  return product;
}

function update(product: Stripe.Product, { default_price, ...params }: z.output<typeof updateParams>, store: Store) {
  const patch = patchOf(product, params);
  if (default_price !== undefined) {
    const price = store.get("price", default_price, "default_price");
    if (price.product !== product.id)
      throw refused(`The price ${price.id} does not belong to the product ${product.id}.`, { param: "default_price" });
    patch.default_price = price.id;
  }
  return store.change(product, { ...patch, updated: store.now }, "product.updated");
}

function remove(product: Stripe.Product, store: Store) {
  if (store.by("price", "product", product.id).length > 0)
    throw refused("This product cannot be deleted because it has one or more user-created prices.");
  store.emit("product.deleted", product);
  return store.put({ id: product.id, object: "product", deleted: true } satisfies Stripe.DeletedProduct);
}

function list({ ids, url, active, ...page }: z.output<typeof listParams>, store: Store) {
  return store.page("product", page, {
    active,
    ...(url && { url }),
    id: (product) => !product.deleted && (ids === undefined || ids.includes(product.id)),
  });
}

export const productRoutes: readonly Route[] = [
  route("POST", "/v1/products", createParams, ({ params }, store) => create(params, store)),
  route("GET", "/v1/products", listParams, ({ params }, store) => list(params, store)),
  route("GET", "/v1/products/:id", nothing, ({ path }, store) => liveProduct(store, path.id)),
  route("POST", "/v1/products/:id", updateParams, ({ path, params }, store) =>
    update(liveProduct(store, path.id), params, store),
  ),
  route("DELETE", "/v1/products/:id", nothing, ({ path }, store) => remove(liveProduct(store, path.id), store)),
];

export const productKind: Kind = { type: "product", prefix: "prod" };

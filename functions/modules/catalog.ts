import * as z from "zod";
import { productTable, variantTable } from "../../core/catalog/catalog.sql.js";
import { Catalog } from "../../core/catalog/index.js";
import { productMeter } from "../../core/catalog/meter.js";
import { defineScope } from "../../core/kernel/access.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

export const readCatalog = defineScope("catalog:read", "MEMBER");
export const writeCatalog = defineScope("catalog:write", "MEMBER");

const product = z.strictObject({ id: Catalog.ProductId });
const variant = z.strictObject({ id: Catalog.VariantId });
const currencyRule =
  "Prices are in `currency`; without it in the currency of `region`; without both in the tenant's currency.";

const routes = [
  endpoint(
    "get",
    "/v1/admin/products",
    {
      allow: readCatalog,
      query: Catalog.ProductPage,
      returns: [200, listOf(Catalog.Product)],
      summary: "List products",
    },
    ({ query }) => Catalog.list(query),
  ),
  endpoint(
    "post",
    "/v1/admin/products",
    {
      allow: writeCatalog,
      body: Catalog.NewProduct,
      returns: [201, Catalog.Product],
      summary: "Create a product",
      description: "Variants and their prices can be included. Each variant needs one value for each option.",
    },
    ({ body }) => Catalog.create(body),
  ),
  endpoint(
    "get",
    "/v1/admin/products/{id}",
    { allow: readCatalog, params: product, returns: [200, Catalog.Product], summary: "Get a product" },
    ({ params }) => Catalog.get(params.id),
  ),
  endpoint(
    "patch",
    "/v1/admin/products/{id}",
    {
      allow: writeCatalog,
      params: product,
      body: Catalog.ProductPatch,
      returns: [200, Catalog.Product],
      ifMatch: "optional",
      summary: "Update a product",
    },
    ({ params, body, version }) => Catalog.update({ ...body, id: params.id, version }),
  ),
  endpoint(
    "delete",
    "/v1/admin/products/{id}",
    {
      allow: writeCatalog,
      params: product,
      returns: [204],
      ifMatch: "optional",
      summary: "Delete a product",
      description:
        "A product that was ordered, put into a cart or counted in stock cannot be deleted (409 `product.in_use`); archive it instead.",
    },
    async ({ params, version }) => void (await Catalog.remove({ id: params.id, version })),
  ),
  endpoint(
    "post",
    "/v1/admin/products/{id}/variants",
    {
      allow: writeCatalog,
      params: product,
      body: Catalog.NewVariant,
      returns: [201, Catalog.Variant],
      summary: "Create a variant",
    },
    ({ params, body }) => Catalog.addVariant({ ...body, productId: params.id }),
  ),
  endpoint(
    "patch",
    "/v1/admin/variants/{id}",
    {
      allow: writeCatalog,
      params: variant,
      body: Catalog.VariantPatch,
      returns: [200, Catalog.Variant],
      ifMatch: "optional",
      summary: "Update a variant",
    },
    ({ params, body, version }) => Catalog.updateVariant({ ...body, id: params.id, version }),
  ),
  endpoint(
    "delete",
    "/v1/admin/variants/{id}",
    {
      allow: writeCatalog,
      params: variant,
      returns: [204],
      ifMatch: "optional",
      summary: "Delete a variant",
      description:
        "A variant that was ordered, put into a cart or counted in stock cannot be deleted (409 `variant.in_use`).",
    },
    async ({ params, version }) => void (await Catalog.removeVariant({ id: params.id, version })),
  ),
  endpoint(
    "get",
    "/v1/store/products",
    {
      allow: "shopper",
      query: Catalog.StorePage,
      returns: [200, listOf(Catalog.StoreProduct)],
      summary: "List active products",
      description: currencyRule,
    },
    ({ query }) => Catalog.listStoreProducts(query),
  ),
  endpoint(
    "get",
    "/v1/store/products/{idOrSlug}",
    {
      allow: "shopper",
      params: z.strictObject({ idOrSlug: Catalog.IdOrSlug }),
      query: Catalog.PriceContext,
      returns: [200, Catalog.StoreProduct],
      summary: "Get an active product",
      description: currencyRule,
    },
    ({ params, query }) => Catalog.getStoreProduct({ ...query, ...params }),
  ),
];

export const catalog: Module = {
  name: "catalog",
  scopes: [readCatalog, writeCatalog],
  tables: [productTable, variantTable],
  meters: [productMeter],
  routes,
  events: Catalog.events,
};

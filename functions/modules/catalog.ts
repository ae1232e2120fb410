import * as z from "zod";
import { productTable, variantTable } from "../../core/catalog/catalog.sql.js";
import { Catalog } from "../../core/catalog/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const product = z.strictObject({ id: Catalog.ProductId });
const variant = z.strictObject({ id: Catalog.VariantId });
const currencyRule = "Prices are in `currency`, or in that of `region`, or in the shop's own.";

const routes = [
  endpoint(
    "get",
    "/v1/admin/products",
    {
      allow: "catalog:read",
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
      allow: "catalog:write",
      body: Catalog.NewProduct,
      returns: [201, Catalog.Product],
      summary: "Create a product",
      description:
        "With its variants and their prices, when you send them along. Each variant names one value for each option.",
    },
    ({ body }) => Catalog.create(body),
  ),
  endpoint(
    "get",
    "/v1/admin/products/{id}",
    { allow: "catalog:read", params: product, returns: [200, Catalog.Product], summary: "Get a product" },
    ({ params }) => Catalog.get(params.id),
  ),
  endpoint(
    "patch",
    "/v1/admin/products/{id}",
    {
      allow: "catalog:write",
      params: product,
      body: Catalog.ProductPatch,
      returns: [200, Catalog.Product],
      ifMatch: "optional",
      summary: "Change a product",
    },
    ({ params, body, version }) => Catalog.update({ ...body, id: params.id, version }),
  ),
  endpoint(
    "delete",
    "/v1/admin/products/{id}",
    {
      allow: "catalog:write",
      params: product,
      returns: [204],
      ifMatch: "optional",
      summary: "Delete a product",
      description: "One that was sold, counted or put into a cart stays (409 `product.in_use`): archive it instead.",
    },
    async ({ params, version }) => void (await Catalog.remove({ id: params.id, version })),
  ),
  endpoint(
    "post",
    "/v1/admin/products/{id}/variants",
    {
      allow: "catalog:write",
      params: product,
      body: Catalog.NewVariant,
      returns: [201, Catalog.Variant],
      summary: "Add a variant",
    },
    ({ params, body }) => Catalog.addVariant({ ...body, productId: params.id }),
  ),
  endpoint(
    "patch",
    "/v1/admin/variants/{id}",
    {
      allow: "catalog:write",
      params: variant,
      body: Catalog.VariantPatch,
      returns: [200, Catalog.Variant],
      ifMatch: "optional",
      summary: "Change a variant",
    },
    ({ params, body, version }) => Catalog.updateVariant({ ...body, id: params.id, version }),
  ),
  endpoint(
    "delete",
    "/v1/admin/variants/{id}",
    {
      allow: "catalog:write",
      params: variant,
      returns: [204],
      ifMatch: "optional",
      summary: "Delete a variant",
      description: "One that was sold, counted or put into a cart stays (409 `variant.in_use`).",
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
      summary: "List what is for sale",
      description: currencyRule,
    },
    ({ query }) => Catalog.browse(query),
  ),
  endpoint(
    "get",
    "/v1/store/products/{idOrSlug}",
    {
      allow: "shopper",
      params: z.strictObject({ idOrSlug: Catalog.IdOrSlug }),
      query: Catalog.Market,
      returns: [200, Catalog.StoreProduct],
      summary: "Get a product that is for sale",
      description: currencyRule,
    },
    ({ params, query }) => Catalog.show({ ...query, ...params }),
  ),
];

export const catalog: Module = {
  name: "catalog",
  tables: [productTable, variantTable],
  routes,
  events: Catalog.events,
};

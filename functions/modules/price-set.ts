import * as z from "zod";
import { Catalog } from "../../core/catalog/index.js";
import { priceTable } from "../../core/catalog/price.sql.js";
import { PriceSet } from "../../core/catalog/price-set.js";
import { endpoint } from "../http/endpoint.js";
import { readCatalog, writeCatalog } from "./catalog.js";
import type { Module } from "./module.js";

const params = z.strictObject({ id: Catalog.VariantId });

const routes = [
  endpoint(
    "get",
    "/v1/admin/variants/{id}/prices",
    { allow: readCatalog, params, returns: [200, PriceSet.PriceSetRecord], summary: "Get the prices of a variant" },
    ({ params }) => PriceSet.get(params.id),
  ),
  endpoint(
    "put",
    "/v1/admin/variants/{id}/prices",
    {
      allow: writeCatalog,
      params,
      body: z.strictObject({
        prices: PriceSet.NewPrices.describe("All prices of the variant, at most one in each currency"),
      }),
      returns: [200, PriceSet.PriceSetRecord],
      ifMatch: "optional",
      summary: "Replace the prices of a variant",
      description: "One price for each currency. `version` and If-Match are the variant's version.",
    },
    ({ params, body, version }) => PriceSet.replace({ ...body, variantId: params.id, version }),
  ),
];

export const priceSet: Module = {
  name: "price-set",
  tables: [priceTable],
  routes,
  events: PriceSet.events,
};

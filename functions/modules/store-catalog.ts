import * as z from "zod";
import { Catalog } from "../../core/catalog/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";

const description = "Prices are in `currency`, or in that of `region`, or in the shop's own.";

export const storeCatalogRoutes = [
  endpoint(
    "get",
    "/v1/store/products",
    {
      allow: "shopper",
      query: Catalog.StorePage,
      returns: [200, listOf(Catalog.StoreProduct)],
      summary: "List what is for sale",
      description,
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
      description,
    },
    ({ params, query }) => Catalog.show({ ...query, ...params }),
  ),
];

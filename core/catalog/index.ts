export * as Catalog from "./index.js";

export * from "./product.js";
export { ProductPage } from "./product-field.js";
export { type Sellable, sellableQuery } from "./sellable-variant.js";
export { getStoreProduct, IdOrSlug, listStoreProducts, PriceContext, StorePage, StoreProduct } from "./storefront.js";
export {
  addVariant,
  NewVariant,
  removeVariant,
  updateVariant,
  Variant,
  VariantCreated,
  VariantPatch,
} from "./variant.js";

import { ProductCreated, ProductDeleted, ProductUpdated } from "./product.js";
import { VariantCreated, VariantDeleted, VariantUpdated } from "./variant.js";

export { ProductId, VariantId } from "./catalog.sql.js";

export const events = [ProductCreated, ProductUpdated, ProductDeleted, VariantCreated, VariantUpdated, VariantDeleted];

import { ne, sql } from "drizzle-orm";
import { defineMeter } from "../entitlement/index.js";
import { productTable } from "./catalog.sql.js";

/** Drafts and active products: a product that was sold cannot be deleted, so archiving has to make room. */
export const productMeter = defineMeter({
  name: "products",
  limits: { starter: 500, growth: 10_000, scale: null },
  count: (q) => q.select({ count: sql`count(*)` }).from(productTable).where(ne(productTable.status, "archived")),
});

export * as PriceSet from "./price-set.js";

import { eq } from "drizzle-orm";
import * as z from "zod";
import { db, defer, read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { insertRows } from "../kernel/rows.js";
import { VariantId, variantTable } from "./catalog.sql.js";
import { NewPrices, Price, pricesOf } from "./price.js";
import { priceTable } from "./price.sql.js";
import { updateVersioned } from "./variant.js";

export { NewPrices } from "./price.js";

export const PriceSetRecord = z
  .object({ variantId: VariantId, prices: z.array(Price), version: z.int() })
  .meta({ id: "Prices", description: "The prices of a variant; the version is the variant's." });

const PriceChanged = defineEvent("price.changed", z.object({ variantId: VariantId }));
export const events = [PriceChanged];

export const get = fn(VariantId, async (variantId) => {
  const [found] = await read((q) =>
    q
      .select({ variantId: variantTable.id, prices: pricesOf(q), version: variantTable.version })
      .from(variantTable)
      .where(eq(variantTable.id, variantId)),
  );
  if (!found) throw notFound("variant");
  return found;
});

/** Replaces the prices of a variant. @throws Failure stale when `version` is given and no longer current */
export const replace = fn(
  z.strictObject({ variantId: VariantId, prices: NewPrices, version: z.int().optional() }),
  ({ variantId, prices, version }) =>
    db(async (tx) => {
      const touched = await updateVersioned(tx, variantId, version);
      defer(tx.delete(priceTable).where(eq(priceTable.variantId, variantId)));
      defer(
        insertRows(
          tx,
          priceTable,
          prices.map((price) => ({ variantId, ...price })),
        ),
      );
      emit(PriceChanged, { variantId });
      return { variantId, prices, version: touched };
    }),
);

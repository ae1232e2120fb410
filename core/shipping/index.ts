export * as Shipping from "./index.js";

import { and, asc, eq, type SQL } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import type { Reader } from "../../drizzle/reader.js";
import { db } from "../kernel/db.js";
import { invalidField } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { Amount, Currency, Money } from "../kernel/money.js";
import { pageQuery } from "../kernel/page.js";
import { name } from "../kernel/text.js";
import { RegionId } from "../region/region.sql.js";
import { TaxClassId } from "../tax/tax.sql.js";
import { ShippingOptionId, shippingOptionTable } from "./shipping.sql.js";

export const ShippingChoice = z
  .object({ id: ShippingOptionId, name: z.string(), price: Money, taxInclusive: z.boolean() })
  .meta({ id: "ShippingChoice" });

export const ShippingOption = ShippingChoice.extend({
  regionId: RegionId,
  taxClassId: TaxClassId,
  position: z.int(),
  version: z.int(),
  createdAt: z.string(),
}).meta({ id: "ShippingOption", description: "A way to deliver to a region at a flat rate." });

export const NewShippingOption = z.strictObject({
  regionId: RegionId.describe("The region to which it delivers"),
  taxClassId: TaxClassId.describe("By which delivery is taxed"),
  name: name(200).describe("As shoppers read it: Parcel, 2 to 3 days"),
  price: z.strictObject({ amount: Amount, currency: Currency }).describe("For the whole order, in minor units"),
  taxInclusive: z.boolean().default(true).describe("Whether the tax is inside the price, or comes on top"),
  position: z
    .int()
    .min(0)
    .max(10_000)
    .default(0)
    .describe("The place among the options of the region; 0 is the first position"),
});

const choice = {
  id: shippingOptionTable.id,
  name: shippingOptionTable.name,
  amount: shippingOptionTable.amount,
  currency: shippingOptionTable.currency,
  taxInclusive: shippingOptionTable.taxInclusive,
};
const columns = {
  ...choice,
  regionId: shippingOptionTable.regionId,
  taxClassId: shippingOptionTable.taxClassId,
  position: shippingOptionTable.position,
  version: shippingOptionTable.version,
  createdAt: shippingOptionTable.createdAt,
};

const view = <Row extends Money>({ amount, currency, ...option }: Row) => ({ ...option, price: { amount, currency } });

export const create = fn(NewShippingOption, ({ price, ...option }) =>
  db(async (tx) => {
    const [made] = await tx
      .insert(shippingOptionTable)
      .values({ id: ShippingOptionId.create(), ...option, ...price })
      .returning(columns)
      .catch((error: unknown) => {
        const { constraint } = faultOf(error) ?? {};
        if (constraint === "shipping_option_region") throw invalidField("/regionId", "is not a region of this shop");
        if (constraint === "shipping_option_tax_class")
          throw invalidField("/taxClassId", "is not a tax class of this shop");
        throw error;
      });
    if (!made) throw new Error("An insert without a conflict clause answers its row.");
    return view(made);
  }),
);

export const ShippingPage = pageQuery({ regionId: RegionId.optional().describe("The options of this region only") });

export const list = fn(ShippingPage, (page) =>
  listById(
    {
      name: "shipping_options",
      id: shippingOptionTable.id,
      order: "asc",
      where: page.regionId ? eq(shippingOptionTable.regionId, page.regionId) : undefined,
    },
    page,
    (q) => q.select(columns).from(shippingOptionTable).$dynamic(),
    view,
  ),
);

/** The statement that reads the options of a region and currency, in the order in which the shop shows them. */
export const offeredQuery = (q: Reader, { regionId, currency }: Record<"regionId" | "currency", SQL>) =>
  q
    .select(choice)
    .from(shippingOptionTable)
    .where(and(eq(shippingOptionTable.regionId, regionId), eq(shippingOptionTable.currency, currency)))
    .orderBy(asc(shippingOptionTable.position), asc(shippingOptionTable.id))
    .limit(100);

/** An option as a shopper sees it. */
export const toChoice = view<Awaited<ReturnType<typeof offeredQuery>>[number]>;

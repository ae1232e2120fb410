export * as Shipping from "./index.js";

import { and, asc, eq, gt } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import { cartTable } from "../cart/cart.sql.js";
import { CartKey, opens } from "../cart/key.js";
import { db, read } from "../kernel/db.js";
import { invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Amount, Currency, Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
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
  regionId: RegionId,
  taxClassId: TaxClassId,
  name: z.string().trim().regex(/\S/, "must not be blank").max(200),
  price: z.strictObject({ amount: Amount, currency: Currency }),
  taxInclusive: z.boolean().default(true),
  position: z.int().min(0).max(10_000).default(0),
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
        if (constraint === "shipping_option_region") throw unknown("/regionId", "is not a region of this shop");
        if (constraint === "shipping_option_tax_class") throw unknown("/taxClassId", "is not a tax class of this shop");
        throw error;
      });
    if (!made) throw new Error("An insert without a conflict clause answers its row.");
    return view(made);
  }),
);

const unknown = (pointer: string, detail: string) =>
  invalid("invalid_request", "The request does not match its schema; see `errors`.", { errors: [{ pointer, detail }] });

export const ShippingPage = pageQuery({ regionId: RegionId.optional() });

export const list = fn(ShippingPage, async ({ limit, cursor, regionId }) => {
  const { after, page: answer } = paginate("shipping_options", cursor, { regionId });
  const rows = await read((q) =>
    q
      .select(columns)
      .from(shippingOptionTable)
      .where(
        and(
          regionId ? eq(shippingOptionTable.regionId, regionId) : undefined,
          after.id ? gt(shippingOptionTable.id, after.id) : undefined,
        ),
      )
      .orderBy(asc(shippingOptionTable.id))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ id: row.id }), view);
});

/** What the region and currency of a cart offer, in the order of the shop. */
export const offered = fn(CartKey, async (key) => {
  const [[cart], options] = await read(
    (q) =>
      [
        q.select({ id: cartTable.id }).from(cartTable).where(opens(key)),
        q
          .select(choice)
          .from(shippingOptionTable)
          .innerJoin(
            cartTable,
            and(
              eq(cartTable.regionId, shippingOptionTable.regionId),
              eq(cartTable.currency, shippingOptionTable.currency),
            ),
          )
          .where(opens(key))
          .orderBy(asc(shippingOptionTable.position), asc(shippingOptionTable.id))
          .limit(100),
      ] as const,
  );
  if (!cart) throw notFound("cart");
  return { data: options.map(view), nextCursor: null };
});

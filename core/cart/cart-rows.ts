import { and, eq, ne, sql } from "drizzle-orm";
import { param, prepared } from "../../drizzle/prepared.js";
import type { Reader, Results } from "../../drizzle/reader.js";
import { Catalog } from "../catalog/index.js";
import { hasRoom } from "../entitlement/index.js";
import { Inventory } from "../inventory/index.js";
import { reservationTable } from "../inventory/inventory.sql.js";
import { paymentSettingTable } from "../payment/payment-method.sql.js";
import { type ChargeableAccount, PaymentAccount } from "../payment-account/index.js";
import { paymentAccountTable } from "../payment-account/payment-account.sql.js";
import { regionTable } from "../region/region.sql.js";
import { shippingOptionTable } from "../shipping/shipping.sql.js";
import { Tax } from "../tax/index.js";
import { cartLineTable, cartTable } from "./cart.sql.js";

const isCart = (cartId: string) => eq(cartTable.id, param(cartId, cartTable.id));

/** Where a cart is delivered, how, until when its stock is reserved, and what decides how it may be paid and ordered. */
const deliveryQuery = prepared((q, { cartId }: { cartId: string }) =>
  q
    .select({
      countries: regionTable.countries,
      option: {
        id: shippingOptionTable.id,
        name: shippingOptionTable.name,
        amount: shippingOptionTable.amount,
        currency: shippingOptionTable.currency,
        taxInclusive: shippingOptionTable.taxInclusive,
        taxClassId: shippingOptionTable.taxClassId,
      },
      accountStatus: paymentAccountTable.status,
      // The first column decides whether the joined row is there, so that it is one that is never null.
      paymentSetting: {
        limits: paymentSettingTable.limits,
        channels: paymentSettingTable.channels,
        methods: paymentSettingTable.methods,
      },
      reservedUntil: sql<
        string | null
      >`(${Inventory.reservedUntilQuery(q, param(cartId, reservationTable.holder))})`.mapWith(cartTable.expiresAt),
      account: sql<ChargeableAccount | null>`(${PaymentAccount.chargeableQuery(q)})`,
      hasRoom: hasRoom(q, "ordersPerMonth"),
    })
    .from(cartTable)
    .innerJoin(regionTable, eq(regionTable.id, cartTable.regionId))
    // An option that is not offered in the region and currency of the cart counts as none.
    .leftJoin(
      shippingOptionTable,
      and(
        eq(shippingOptionTable.id, cartTable.shippingOptionId),
        eq(shippingOptionTable.regionId, cartTable.regionId),
        eq(shippingOptionTable.currency, cartTable.currency),
      ),
    )
    .leftJoin(paymentSettingTable, sql`true`)
    .leftJoin(
      paymentAccountTable,
      and(eq(paymentAccountTable.provider, "stripe"), ne(paymentAccountTable.status, "deauthorized")),
    )
    .where(isCart(cartId)),
);

/** Tax is due in the country and province of the address; until there is one, in the region's first country. */
const ratesQuery = prepared((q, { cartId }: { cartId: string }) => {
  const country = q
    .select({
      value: sql`coalesce(${cartTable.shippingAddress} ->> 'country', ${regionTable.countries}[1])`.as("value"),
    })
    .from(cartTable)
    .innerJoin(regionTable, eq(regionTable.id, cartTable.regionId))
    .where(isCart(cartId));
  const province = q
    .select({ value: sql`${cartTable.shippingAddress} ->> 'province'`.as("value") })
    .from(cartTable)
    .where(isCart(cartId));
  return Tax.ratesQuery(q, { country: sql`(${country})`, province: sql`(${province})` });
});

const sellableQuery = prepared((q, { cartId }: { cartId: string }) => {
  const currency = q.select({ currency: cartTable.currency }).from(cartTable).where(isCart(cartId));
  const holder = param(cartId, reservationTable.holder) as never;
  return Catalog.sellableQuery(q, param(cartId, cartLineTable.cartId), sql`(${currency})`, holder);
});

/** The statements that load all that a cart is calculated from, whose number does not grow with the lines. */
export const cartQueries = (q: Reader, cartId: string) =>
  [sellableQuery(q, { cartId }), deliveryQuery(q, { cartId }), ratesQuery(q, { cartId })] as const;
type Loaded = Results<ReturnType<typeof cartQueries>>;

/** The rows of {@link cartQueries}, by name. */
export const toCartRows = ([lines, [delivery], rates]: Loaded) => ({
  lines: lines.map(({ line }) => line),
  variants: lines.map(({ variant, product, price, available }) => ({ ...variant, product, price, available })),
  countries: delivery?.countries ?? [],
  shippingOption: delivery?.option ?? undefined,
  rates,
  reservedUntil: delivery?.reservedUntil ?? null,
  accountStatus: delivery?.accountStatus ?? null,
  paymentSetting: delivery?.paymentSetting ?? null,
  account: delivery?.account ?? null,
  hasRoom: delivery?.hasRoom ?? true,
});
export type CartRows = ReturnType<typeof toCartRows>;

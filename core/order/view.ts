import { asc, eq, type SQL } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Reader } from "../../drizzle/reader.js";
import { lineView, moneyOf, shippingView, totalsView } from "../cart/index.js";
import { calculateAmounts } from "../kernel/amounts.js";
import { joinedRate } from "../kernel/basis-points.js";
import { orderLineTable, orderTable } from "./order.sql.js";

/** The columns of an order in a list. */
export const summaryColumns = {
  id: orderTable.id,
  number: orderTable.number,
  version: orderTable.version,
  status: orderTable.status,
  paymentStatus: orderTable.paymentStatus,
  fulfillmentStatus: orderTable.fulfillmentStatus,
  attention: orderTable.attention,
  cancelReason: orderTable.cancelReason,
  currency: orderTable.currency,
  email: orderTable.email,
  placedAt: orderTable.placedAt,
  total: orderTable.total,
};
export const columns = {
  ...summaryColumns,
  concerns: orderTable.concerns,
  shippingAddress: orderTable.shippingAddress,
  billingAddress: orderTable.billingAddress,
  shippingName: orderTable.shippingName,
  shippingTaxInclusive: orderTable.shippingTaxInclusive,
  shippingTaxRate: joinedRate(orderTable.shippingTaxRateWhole, orderTable.shippingTaxRateHundredths),
  subtotal: orderTable.subtotal,
  shipping: orderTable.shipping,
  tax: orderTable.tax,
};
const lineColumns = {
  id: orderLineTable.id,
  variantId: orderLineTable.variantId,
  sku: orderLineTable.sku,
  productName: orderLineTable.productName,
  variantName: orderLineTable.variantName,
  options: orderLineTable.options,
  quantity: orderLineTable.quantity,
  unitPrice: orderLineTable.unitPrice,
  taxInclusive: orderLineTable.taxInclusive,
  taxRate: joinedRate(orderLineTable.taxRateWhole, orderLineTable.taxRateHundredths),
  tax: orderLineTable.tax,
  total: orderLineTable.total,
};
/** The columns of a table as they are, and others that are calculated from several. */
type Row<Table extends PgTable, Columns, Calculated> = Pick<
  Table["$inferSelect"],
  Extract<keyof Columns, keyof Table["$inferSelect"]>
> &
  Calculated;
export type OrderRow = Row<typeof orderTable, typeof columns, { shippingTaxRate: number }>;
export type LineRow = Row<typeof orderLineTable, typeof lineColumns, { taxRate: number }>;

/** An order and its lines, each query with the whole condition: a caller that may not see an order sees no part of it. */
export const orderQueries = (q: Reader, which: SQL | undefined) =>
  [
    q.select(columns).from(orderTable).where(which),
    q
      .select(lineColumns)
      .from(orderLineTable)
      .innerJoin(orderTable, eq(orderTable.id, orderLineTable.orderId))
      .where(which)
      .orderBy(asc(orderLineTable.position)),
  ] as const;

/** The order as the shopper sees it: without the attention of the staff. */
export function view(order: OrderRow, lines: readonly LineRow[]) {
  const { shippingName, shippingTaxInclusive, shippingTaxRate, subtotal, shipping, tax, total, ...rest } = order;
  const { attention: _, concerns: __, ...shown } = rest;
  const money = moneyOf(order.currency);
  const delivery = {
    name: shippingName,
    unitPrice: shipping,
    quantity: 1,
    taxInclusive: shippingTaxInclusive,
    taxRate: shippingTaxRate,
  };
  return {
    ...shown,
    shipping: shippingView({ ...delivery, ...calculateAmounts(delivery) }, money),
    lines: lines.map((line) => lineView({ ...line, subtotal: line.unitPrice * line.quantity }, money)),
    totals: totalsView({ subtotal, shipping, tax, total }, money),
  };
}

import { type SQL, sql } from "drizzle-orm";
import { asRow, prepared } from "../../drizzle/prepared.js";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import type { CartRow, Line, Shipping } from "../cart/index.js";
import { checkUsage, nextUsageStatement, requireRoom, type UsageCount, usageStatement } from "../entitlement/index.js";
import type { Allocation } from "../inventory/index.js";
import type { Address } from "../kernel/address.js";
import type { Totals } from "../kernel/amounts.js";
import { splitRate } from "../kernel/basis-points.js";
import { read } from "../kernel/db.js";
import { insertJson, rowsToJson } from "../kernel/rows.js";
import { paymentTable } from "../payment/payment.sql.js";
import type { UnpaidLimits } from "../payment/payment-method.sql.js";
import { orderMeter } from "./meter.js";
import { counterTable, OrderLineId, orderLineTable, orderTable, orderTimelineTable } from "./order.sql.js";
import { entry } from "./timeline.js";
import * as Unpaid from "./unpaid.js";
import { columns, type LineRow, type OrderRow } from "./view.js";

/** The first order of a tenant. */
const FIRST_NUMBER = 1001;

/** A complete cart, and the payment that it is to be paid with. */
export interface Placement {
  orderId: string;
  cart: CartRow;
  email: string;
  shippingAddress: Address;
  lines: readonly Line[];
  shipping: Shipping;
  totals: Totals;
  payment: typeof paymentTable.$inferInsert;
  /** The client, where it is known. */
  addressKey: string | null;
  /** The end of all attempts to pay, for an order that is not placed at once. */
  paymentDueAt: SQL | undefined;
  limits: Required<UnpaidLimits>;
}

/**
 * Allocates the goods of an order, and writes it with its lines, its payment and its first entry: two statements in one
 * message. The levels of stock are locked before the tenant's counter and its usage, as in all transactions; until the
 * commit the next order waits for these. When goods are short, the order that was written is rolled back.
 * @throws Failure conflict `stock.insufficient`, or forbidden when the plan has no room
 */
export async function place(tx: Tx, placement: Placement, goods: Allocation) {
  const lines = placement.lines.map(rowOf);
  const [short, [placed], unpaid] = await (isPlaced(placement)
    ? read((q) => [goods.query(q), placeQuery(q, placement, lines)] as const)
    : read((q) => [goods.query(q), placeQuery(q, placement, lines), Unpaid.query(q, placement)] as const));
  goods.refuseShort(short);
  if (unpaid?.[0]) Unpaid.refuse(unpaid[0], placement.limits);
  if (!placed) throw new Error("An insert without a conflict clause answers its row.");
  const { counted: count, ...order } = placed;
  await (isPlaced(placement) ? checkUsage : requireRoom)(tx, orderMeter, count);
  return { order: order satisfies OrderRow, lines };
}

const lineKeys = [
  ...(["id", "orderId", "position", "variantId", "sku", "productName", "variantName", "options"] as const),
  ...(["quantity", "unitPrice", "taxInclusive", "tax", "total"] as const),
  ...(["taxRateWhole", "taxRateHundredths"] as const),
];

interface PlacementRows {
  order: Omit<typeof orderTable.$inferInsert, "number">;
  payment: typeof paymentTable.$inferInsert;
  noted: typeof orderTimelineTable.$inferInsert;
  /** The rows of the lines, as JSON. */
  lines: string;
}

function insertPlacement(q: Reader, { order, payment, noted, lines }: PlacementRows, counted: With) {
  const numbered = q.$with("numbered").as(
    q
      .insert(counterTable)
      .values({ name: "order", value: FIRST_NUMBER })
      .onConflictDoUpdate({
        target: [counterTable.tenantId, counterTable.name],
        set: { value: sql`${counterTable.value} + 1` },
      })
      .returning({ value: counterTable.value }),
  );
  return q
    .with(
      numbered,
      q.$with("listed").as(insertJson(q, orderLineTable, lineKeys, lines)),
      q.$with("opened").as(q.insert(paymentTable).values(payment)),
      q.$with("noted").as(q.insert(orderTimelineTable).values(noted)),
      counted,
    )
    .insert(orderTable)
    .values({ ...order, number: sql`(select value from numbered)` })
    .returning({ ...columns, counted: sql<UsageCount | null>`(select to_json(counted) from counted)` });
}

type With = ReturnType<ReturnType<Reader["$with"]>["as"]>;

// An order counts against the plan when it is placed: what is not paid yet takes no place in it.
const insertPlaced = prepared((q, rows: PlacementRows) =>
  insertPlacement(q, rows, q.$with("counted").as(usageStatement(q, orderMeter))),
);
const insertPending = prepared((q, rows: PlacementRows) =>
  insertPlacement(q, rows, q.$with("counted").as(nextUsageStatement(q, orderMeter))),
);

/** Whether the payment covers the order at once, so that it waits for nothing. */
const isPlaced = ({ payment, totals }: Placement) => payment.accepted === true && payment.amount === totals.total;

function placeQuery(q: Reader, placement: Placement, lines: readonly LineRow[]) {
  const { orderId, cart, totals, shipping, payment } = placement;
  const placed = isPlaced(placement);
  return (placed ? insertPlaced : insertPending)(q, {
    order: asRow({
      id: orderId,
      cartId: cart.id,
      tokenHash: cart.tokenHash,
      addressKey: placement.addressKey,
      paymentDueAt: placement.paymentDueAt as never as string,
      currency: cart.currency,
      email: placement.email,
      shippingAddress: placement.shippingAddress,
      billingAddress: cart.billingAddress ?? placement.shippingAddress,
      status: placed ? "open" : "pending",
      amountApplied: payment.accepted ? payment.amount : 0,
      // An order whose total is 0 has no amount to capture.
      paymentStatus: totals.total === 0 ? "captured" : "pending",
      ...deliveryColumns(shipping),
      ...totals,
    }),
    payment: asRow(payment),
    noted: asRow(entry(orderId, placed ? "placed" : "payment_awaited")),
    lines: rowsToJson(
      orderLineTable,
      lines.map((line, position) => ({ ...columnsOf(line), orderId, position })),
    ),
  });
}

function deliveryColumns({ name, taxInclusive, taxRate }: Shipping) {
  const { whole, hundredths } = splitRate(taxRate);
  return {
    shippingName: name,
    shippingTaxInclusive: taxInclusive,
    shippingTaxRateWhole: whole,
    shippingTaxRateHundredths: hundredths,
  };
}

function columnsOf({ taxRate, ...line }: LineRow) {
  const { whole: taxRateWhole, hundredths: taxRateHundredths } = splitRate(taxRate);
  return { ...line, taxRateWhole, taxRateHundredths };
}

const rowOf = (line: Line): LineRow => ({
  id: OrderLineId.create(),
  variantId: line.variantId,
  sku: line.sku,
  productName: line.productName,
  variantName: line.variantName,
  options: line.options,
  quantity: line.quantity,
  unitPrice: line.unitPrice,
  taxInclusive: line.taxInclusive,
  taxRate: line.taxRate,
  tax: line.tax,
  total: line.total,
});

import { sql } from "drizzle-orm";
import { Inventory } from "../inventory/index.js";
import { inMinutes } from "../kernel/clock.js";
import { db, read } from "../kernel/db.js";
import { conflict } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { unpaidLimits } from "../payment/payment-method.sql.js";
import { strangerKey } from "../rate/index.js";
import { calculateCart } from "./calculation.js";
import { cartTable } from "./cart.sql.js";
import { CartKey } from "./key.js";
import { requireOpenCart } from "./lock.js";
import { show } from "./quote.js";

/** How long a reservation lasts, and how long all that follow each other last together. Minutes. */
const HOLD_MINUTES = 15;
export const HOLDS_MINUTES = 30;
/** After so many minutes from the first one, a cart may reserve anew. */
const HOLD_PAUSE_MINUTES = 60;

const minutes = (count: number) => sql`make_interval(mins => ${count}::int)`;
const heldSince = sql`case when ${cartTable.heldSince} > now() - ${minutes(HOLD_PAUSE_MINUTES)}
  then ${cartTable.heldSince} else now() end`;

/**
 * Reserves the stock of all lines for a quarter of an hour from now, also when it was reserved before, but not beyond the
 * end of its period.
 * @throws Failure not_found, stale, conflict (`stock.insufficient`, `cart.hold_over`)
 */
export const reserveStock = fn(CartKey, (key) =>
  db(async (tx) => {
    const { cart, rows } = await requireOpenCart(tx, key, { heldSince });
    const calculated = calculateCart(cart, rows);
    if (calculated.lines.length === 0) return show(tx, calculated);
    const reservation = Inventory.reservation(calculated.lines, {
      holder: cart.id,
      until: sql`least(${inMinutes(HOLD_MINUTES)}, ${cart.heldSince}::timestamptz + ${minutes(HOLDS_MINUTES)})`,
      addressKey: strangerKey(),
      share: unpaidLimits(rows.paymentSetting).holdShare,
    });
    const [short, [reserved]] = await read(
      (q) => [reservation.query(q), Inventory.reservedUntilQuery(q, cart.id)] as const,
    );
    reservation.refuseShort(short);
    if (!reserved?.until)
      throw conflict("cart.hold_over", "The cart was reserved for as long as it can be. Complete it, or wait an hour.");
    return show(tx, { ...calculated, reservedUntil: reserved.until });
  }),
);

export const releaseStock = fn(CartKey, (key) =>
  db(async (tx) => {
    const { cart, rows } = await requireOpenCart(tx, key);
    Inventory.releaseLater(tx, cart.id);
    return show(tx, { ...calculateCart(cart, rows), reservedUntil: null });
  }),
);

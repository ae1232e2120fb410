import { and, eq, exists, isNull, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { inMinutes } from "../kernel/clock.js";
import { db, read } from "../kernel/db.js";
import { Failure, OutcomeUnknown, providerUnreachable } from "../kernel/error.js";
import { Order, PaymentStatus } from "../order/index.js";
import { type Order as OrderRow, orderLineTable, orderTable } from "../order/order.sql.js";
import { paymentAccountTable } from "../payment-account/payment-account.sql.js";
import { failAttempt } from "./attempt-trace.js";
import { type StatusEvent, statusOf } from "./order-status.js";
import { type Payment, PaymentEventId, PaymentId, paymentEventTable, paymentTable } from "./payment.sql.js";
import { awaitsStaff, type ChosenMethod, DEFAULT_HOLD_HOURS } from "./payment-method.js";
import {
  Action,
  type Attempt,
  type AttemptItem,
  type Due,
  manual,
  type OpenedAttempt,
  providerOf,
  remoteProviderOf,
} from "./provider.js";

/** A payment as its shopper sees it: the status, and the next step. */
export const PaymentStep = z.object({ status: PaymentStatus, action: Action }).meta({ id: "PaymentStep" });
export type PaymentStep = z.infer<typeof PaymentStep>;

/** An unpaid order keeps its goods for longer than any page of a provider stays open. Minutes. */
export const RESERVATION_MINUTES = 45;

/**
 * Prepares an attempt to pay an amount due: the row to insert, with all that its provider adds in the open transaction.
 * @param chosen the shopper's choice among what the merchant offers; an amount of 0 needs none
 * @throws Failure conflict `payment.provider_unavailable` when the merchant cannot be paid this way
 */
export async function prepareAttempt(tx: Tx, due: Due, chosen: ChosenMethod | undefined) {
  const provider = chosen ? providerOf(chosen.input.provider) : manual;
  const prepared = await provider.prepareAttempt(tx, due, chosen?.input ?? {});
  const accepted = provider.synchronous && !(chosen && awaitsStaff(provider, chosen.offer));
  return {
    ...{ id: PaymentId.create(), ...due, provider: provider.name, ...prepared },
    accepted,
    authorized: accepted ? due.amount : 0,
    expiresAt: accepted ? null : (endOf(due, holdMinutesOf(chosen)) as never as string),
  };
}

/** The end of an attempt or of a reservation: never after that of the order. */
export const endOf = ({ dueAt }: Pick<Due, "dueAt">, minutes: number) =>
  dueAt === undefined ? inMinutes(minutes) : sql`least(${inMinutes(minutes)}, ${dueAt}::timestamptz)`;

/** So many attempts may be made to pay an order: a stranger who tries cards has no more on one order. */
export const MAX_ATTEMPTS = 5;

/** All attempts to pay an order end so many minutes after the order was made. */
export const ORDER_MINUTES = 60;

/** The minutes after which an order is not payable any more. */
export const dueMinutesOf = (chosen: ChosenMethod | undefined): number =>
  Math.max(ORDER_MINUTES, holdMinutesOf(chosen));

/** The minutes for which the goods of an order wait for its payment, or for the staff. */
export const holdMinutesOf = (chosen: ChosenMethod | undefined): number =>
  chosen && awaitsStaff(providerOf(chosen.input.provider), chosen.offer)
    ? (chosen.offer.holdHours ?? DEFAULT_HOLD_HOURS) * 60
    : RESERVATION_MINUTES;

/** An attempt as its row and its order have it. */
export interface LoadedAttempt extends Attempt, Pick<Payment, "provider" | "authorized" | "accepted" | "closedAt"> {
  orderStatus: OrderRow["status"];
}

/** The events of the payment of a query, the oldest first. */
const eventsOf = (q: Reader) =>
  q
    .select({
      all: sql`coalesce(json_agg(json_build_object('type', ${paymentEventTable.type}, 'amount', ${paymentEventTable.amount},
        'reference', ${paymentEventTable.reference}) order by ${paymentEventTable.id}), '[]')`,
    })
    .from(paymentEventTable)
    .where(eq(paymentEventTable.paymentId, paymentTable.id));

/** The lines of the payment's order, as one JSON value; only a page of the provider's shows them. */
const linesOf = (q: Reader) =>
  sql`case when ${paymentTable.method} = 'checkout_session' then (${q
    .select({
      json: sql`json_agg(json_build_object('name', ${orderLineTable.productName}, 'variant', ${orderLineTable.variantName},
        'quantity', ${orderLineTable.quantity}, 'amount', ${orderLineTable.total}) order by ${orderLineTable.position})`,
    })
    .from(orderLineTable)
    .where(eq(orderLineTable.orderId, paymentTable.orderId))}) end`.mapWith((lines: Line[]) => lines);

interface Line extends AttemptItem {
  variant: string;
}

const attemptQuery = (q: Reader, paymentId: string) =>
  q
    .select({
      payment: paymentTable,
      capture: paymentAccountTable.capture,
      events: sql<StatusEvent[]>`(${eventsOf(q)})`,
      order: {
        number: orderTable.number,
        email: orderTable.email,
        status: orderTable.status,
        total: orderTable.total,
        shippingName: orderTable.shippingName,
      },
      lines: linesOf(q),
    })
    .from(paymentTable)
    .innerJoin(orderTable, eq(orderTable.id, paymentTable.orderId))
    .leftJoin(
      paymentAccountTable,
      and(
        eq(paymentAccountTable.account, paymentTable.account),
        eq(paymentAccountTable.livemode, paymentTable.livemode),
      ),
    )
    .where(eq(paymentTable.id, paymentId));

/** The order's lines and its delivery, when they are what the attempt is to pay. */
function itemsOf(amount: number, total: number, shippingName: string, lines: readonly Line[] | null): AttemptItem[] {
  if (!lines || amount !== total) return [];
  const items = lines.map(({ variant, name, quantity, amount: part }) => ({
    name: variant && variant !== name ? `${name}, ${variant}` : name,
    quantity,
    amount: part,
  }));
  const rest = total - items.reduce((sum, { amount: part }) => sum + part, 0);
  if (rest < 0) return [];
  return rest === 0 ? items : [...items, { name: shippingName, quantity: 1, amount: rest }];
}

function toAttempt([row]: Awaited<ReturnType<typeof attemptQuery>>): LoadedAttempt | undefined {
  if (!row) return undefined;
  const { payment, capture, order, lines } = row;
  return {
    ...payment,
    capturesManually: capture === "manual",
    email: order.email,
    description: `Order ${order.number}`,
    items: itemsOf(payment.amount, order.total, order.shippingName, lines),
    orderStatus: order.status,
  };
}

/** The data of an attempt for calls of its provider; undefined when no payment has this id. */
export const loadAttempt = async (paymentId: string): Promise<LoadedAttempt | undefined> =>
  toAttempt(await read((q) => attemptQuery(q, paymentId)));

/**
 * Opens an attempt at its provider, or answers how it was opened before: outside of any transaction, after its row is
 * committed. The provider gets the same key each time.
 * @throws Failure conflict when the provider refuses the attempt, unavailable when it does not answer
 */
export async function openAttempt(paymentId: string): Promise<PaymentStep> {
  const rows = await read((q) => attemptQuery(q, paymentId));
  const attempt = toAttempt(rows);
  if (!attempt) throw new Error("The payment does not exist.");
  const status = statusOf(attempt.amount, rows[0]?.events ?? []);
  if (attempt.orderStatus !== "pending" || attempt.closedAt || attempt.accepted) return { status, action: null };
  if (providerOf(attempt.provider).synchronous) return { status, action: { type: "await_acceptance" } };
  const provider = remoteProviderOf(attempt.provider);
  try {
    const opened = await provider.open(attempt);
    const { reference, session, action } = opened;
    if (await saveOpened(attempt, opened)) return { status, action };
    // The attempt expired while it was opened: the shopper gets no action to pay it.
    await provider.close({ ...attempt, reference, session });
    return { status, action: null };
  } catch (error) {
    if (error instanceof Failure && error.kind === "conflict") await db((tx) => failAttempt(tx, attempt, error));
    if (!(error instanceof OutcomeUnknown)) throw error;
    throw providerUnreachable("payment.provider_unreachable");
  }
}

/**
 * Writes the provider's ids of the attempt, also when it was closed meanwhile: one message, which is one transaction,
 * and may be repeated.
 * @returns whether it may be paid
 */
async function saveOpened({ id: paymentId, orderId, amount }: Attempt, opened: OpenedAttempt): Promise<boolean> {
  const { reference, session, expiresIn } = opened;
  const dueAt = (q: Reader) =>
    q
      .select({
        at: sql`coalesce(${orderTable.paymentDueAt}, ${orderTable.createdAt} + make_interval(mins => ${ORDER_MINUTES}))`,
      })
      .from(orderTable)
      .where(eq(orderTable.id, paymentTable.orderId));
  const expiresAt = (q: Reader) => sql`least(now() + make_interval(secs => ${expiresIn}), (${dueAt(q)}))`;
  const event = { id: PaymentEventId.create(), paymentId, type: "opened", amount, reference: "opened" } as const;
  const [[row]] = await read((q) => {
    const unopened = q
      .select({ id: paymentTable.id })
      .from(paymentTable)
      .where(and(eq(paymentTable.id, paymentId), isNull(paymentTable.openedAt)));
    return [
      q
        .with(Order.movedVersion(q, and(eq(orderTable.id, orderId), exists(unopened))))
        .update(paymentTable)
        .set({
          reference: sql`coalesce(${paymentTable.reference}, ${reference})`,
          session: sql`coalesce(${paymentTable.session}, ${session})`,
          openedAt: sql`coalesce(${paymentTable.openedAt}, now())`,
          expiresAt: sql`case when ${paymentTable.openedAt} is null then ${expiresAt(q)} else ${paymentTable.expiresAt} end`,
        })
        .where(eq(paymentTable.id, paymentId))
        .returning({ closedAt: paymentTable.closedAt }),
      q.insert(paymentEventTable).values(event).onConflictDoNothing(),
    ] as const;
  });
  return row?.closedAt === null;
}

/** The attempts of an order that may still be paid: the accepted ones have been. */
export const openAttemptsQuery = (q: Reader, orderId: string) =>
  q
    .select({ id: paymentTable.id })
    .from(paymentTable)
    .where(and(eq(paymentTable.orderId, orderId), eq(paymentTable.accepted, false), isNull(paymentTable.closedAt)))
    .orderBy(paymentTable.id);

import type Stripe from "stripe";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import type { Body } from "../support/client.js";
import type { Till } from "../support/till.js";
import { SALES } from "./sale.js";

/**
 * Everything about a shop's money, orders and stock that does not add up, once the system is at rest; empty when all
 * does. The numbers are those of the invariants in the test plan.
 */
export async function breaches(till: Till): Promise<string[]> {
  const within = [...(await till.query(BOOKS)), ...(await till.query(SALES))].map(({ what }) => String(what));
  const orders = await ordersOf(till);
  const named = new Map(orders.map((order) => [order.id, order]));
  return [...within, ...orders.flatMap(effects), ...(await againstStripe(till, named))];
}

interface Order {
  id: string;
  number: number;
  status: string;
  attention: string | null;
  units: number;
  placed: boolean;
  spoiled: boolean;
  taken: number;
  /** Jobs, and different messages that arrived. */
  mails: number;
  arrived: number;
}
const stands = (order: Order | undefined) => order?.status === "open" || order?.status === "completed";

/** Orders with what they did to the shelves and to the mailbox, which know them by their public ids. */
async function ordersOf(till: Till): Promise<Order[]> {
  const orders = await till.query(
    `select o.id::text, o.number, o.status, o.attention, (select sum(quantity)::int from order_line l
        where l.tenant_id = $1 and l.order_id = o.id) as units,
      exists (${ENTRY} and t.type = 'placed') as placed,
      exists (${ENTRY} and t.data ->> 'restocked' = 'false') as spoiled from "order" o where o.tenant_id = $1`,
  );
  const taken = await countsOf(till, TAKEN);
  const mails = await countsOf(till, MAILS);
  const arrived = new Map<string, Set<unknown>>();
  for (const { subject, messageId } of till.host.mailbox.list()) {
    arrived.set(subject, (arrived.get(subject) ?? new Set()).add(messageId));
  }
  return orders.map(({ id, number, ...order }) => {
    const name = uuidToTypeId("ord", id);
    const subject = `Your order ${number} at Shop ${till.tenant.slug}`;
    const done = { taken: taken.get(name) ?? 0, mails: mails.get(name) ?? 0, arrived: arrived.get(subject)?.size ?? 0 };
    return { ...order, ...done, number, id: name };
  });
}
const countsOf = async (till: Till, text: string) =>
  new Map<string, number>((await till.query(text)).map(({ id, count }) => [id, count]));
const TAKEN = `select reference as id, -sum(delta)::int as count from stock_movement
  where tenant_id = $1 and reason in ('sold', 'cancelled') group by 1`;
const ENTRY = "select from order_timeline t where t.tenant_id = $1 and t.order_id = o.id";
const MAILS = `select payload ->> 'orderId' as id, count(*)::int as count from job
  where tenant_id = $1 and name = 'order.confirmation-mail' group by 1`;

/** Goods left for what stands, a mail went for what was placed, and for nothing else. */
function effects(order: Order): string[] {
  const [units, mails] = [stands(order) || order.spoiled ? order.units : 0, order.placed ? 1 : 0];
  const name = `order ${order.number} (${order.status})`;
  return [
    ...(order.taken === units ? [] : [`I3 ${name} took ${order.taken} of ${order.units}`]),
    ...(order.mails === mails && order.arrived === mails
      ? []
      : [`I11 ${name}: ${order.mails} mails, ${order.arrived} arrived`]),
  ];
}

interface Attempt {
  id: string;
  order: Order | undefined;
  reference: string | null;
  amount: number;
  currency: string;
  captured: number;
  authorized: number;
  refunded: number;
  accepted: boolean;
  /** The staff let it go. */
  voided: boolean;
}

/** What Stripe has of a payment that somebody made. */
interface Money {
  intent: Stripe.PaymentIntent;
  /** Taken and neither given back nor on its way; taken and given back for good. */
  kept: number;
  refunded: number;
}

function moneyOf(till: Till): Money[] {
  const refunds = till.stripe.objects("refund", till.account).filter(({ balance_transaction }) => balance_transaction);
  const back = new Map<unknown, Stripe.Refund[]>();
  for (const one of refunds) back.set(one.payment_intent, [...(back.get(one.payment_intent) ?? []), one]);
  const sum = (all: readonly Stripe.Refund[], ...statuses: string[]) =>
    all.reduce((total, { amount, status }) => total + (statuses.includes(status ?? "") ? amount : 0), 0);
  return till.stripe.objects("payment_intent", till.account).map((intent) => {
    const given = back.get(intent.id) ?? [];
    const kept = intent.amount_received - sum(given, "succeeded", "pending");
    return { intent, kept, refunded: sum(given, "succeeded") };
  });
}

/** I5 to I7, in both directions: every payment here as it is there, every payment there with an order here. */
async function againstStripe(till: Till, orders: ReadonlyMap<string, Order>): Promise<string[]> {
  const attempts = await attemptsOf(till, orders);
  const money = moneyOf(till);
  const byAttempt = new Map<string, Money[]>();
  for (const one of money) {
    const name = one.intent.metadata.stoa_payment ?? "";
    byAttempt.set(name, [...(byAttempt.get(name) ?? []), one]);
  }
  const kept = new Map<string, number>();
  for (const { intent, kept: amount } of money) {
    const name = intent.metadata.stoa_order ?? "";
    if (amount > 0) kept.set(name, (kept.get(name) ?? 0) + 1);
  }
  const known = new Set(attempts.map(({ id }) => id));
  return [
    ...attempts.flatMap((attempt) => differences(attempt, byAttempt.get(attempt.id) ?? [])),
    ...money.flatMap(({ intent, kept: amount }) => {
      const orphan = amount > 0 && !known.has(intent.metadata.stoa_payment ?? "");
      return orphan ? [`I6 ${intent.id} has ${amount} of nobody's`] : [];
    }),
    ...[...kept].flatMap(([name, count]) => (count > 1 ? [`I7 ${name} was charged ${count} times`] : [])),
    ...sessionsTwice(till),
  ];
}

async function attemptsOf(till: Till, orders: ReadonlyMap<string, Order>): Promise<Attempt[]> {
  const rows = await till.query(
    `select id::text, order_id::text as "order", reference, amount::int, currency, captured::int, authorized::int,
       refunded::int, accepted, exists (select from payment_operation w where w.tenant_id = $1 and w.payment_id = payment.id
         and w.kind = 'void' and w.status = 'succeeded') as voided
       from payment where tenant_id = $1 and provider = 'stripe'`,
  );
  return rows.map(({ id, order, ...row }: Body) => {
    return { ...row, id: uuidToTypeId("pay", id), order: orders.get(uuidToTypeId("ord", order)) };
  });
}

function differences(attempt: Attempt, [money, ...more]: Money[]): string[] {
  const { id, order, reference, amount, currency, captured, refunded, accepted, voided } = attempt;
  const name = `${id} of order ${order?.number} (${order?.status})`;
  if (more.length > 0) return [`I7 ${name} was opened ${more.length + 1} times`];
  if (!money) return captured > 0 ? [`I7 ${name} has ${captured} that Stripe knows nothing of`] : [];
  const { intent, kept, refunded: given } = money;
  const agrees = intent.amount === amount && intent.currency.toUpperCase() === currency;
  const isMissed = voided || order?.attention === "payment_lost";
  const promised = kept > 0 || intent.status === "requires_capture";
  return [
    ...(reference === intent.id || !promised ? [] : [`I7 ${name} does not know ${intent.id}`]),
    ...(captured === intent.amount_received || !agrees
      ? []
      : [`I7 ${name}: ${captured}, ${intent.amount_received} there`]),
    ...(refunded === given || !agrees ? [] : [`I7 ${name}: refunded ${refunded}, ${given} there`]),
    ...(promised && !(accepted && agrees && stands(order)) ? [`I6 ${name}: ${kept} (${intent.status}) is kept`] : []),
    ...(accepted && !agrees ? [`I5 ${name} counts with ${intent.amount} ${intent.currency}`] : []),
    ...(accepted && stands(order) && !isMissed && !promised && given === 0 ? [`I5 ${name} stands without money`] : []),
  ];
}

function sessionsTwice(till: Till): string[] {
  const sessions = till.stripe.objects("checkout.session", till.account).map((one) => one.client_reference_id);
  return new Set(sessions).size === sessions.length ? [] : ["I7 an attempt has two pages"];
}

/** What the database alone can say. */
const BOOKS = `
  with o as (select * from "order" where tenant_id = $1),
  p as (select * from payment where tenant_id = $1),
  made as (
    select payment_id, reference from payment_event where tenant_id = $1 and type = 'refunded'),
  said as (
    select p.id,
      coalesce(sum(e.amount) filter (where e.type = 'authorized'), 0) as authorized,
      coalesce(sum(e.amount) filter (where e.type = 'captured'), 0) as captured,
      coalesce(sum(e.amount) filter (where e.type = 'refunded'), 0) - coalesce(sum(e.amount) filter (
        where e.type = 'refund_failed' and (e.payment_id, e.reference) in (select * from made)), 0) as refunded
      from p left join payment_event e on e.tenant_id = $1 and e.payment_id = p.id group by p.id),
  wished as (
    select p.id,
      coalesce(sum(w.amount) filter (where w.kind = 'capture'), 0) as capturing,
      coalesce(sum(w.amount) filter (where w.kind = 'refund'), 0) as refunding
      from p left join payment_operation w on w.tenant_id = $1 and w.payment_id = p.id and w.status = 'pending' group by p.id),
  level as (select * from stock_level where tenant_id = $1),
  held as (select variant_id, location_id, sum(quantity) as units from reservation where tenant_id = $1 group by 1, 2),
  moved as (select variant_id, location_id, sum(delta) as units from stock_movement where tenant_id = $1 group by 1, 2),
  told as (select type, data ->> 'number' as number, count(*) as times from event where tenant_id = $1 group by 1, 2),
  placed as (select order_id from order_timeline where tenant_id = $1 and type = 'placed'),
  entry as (select t.kind, t.reference, e.* from ledger_entry e join ledger_transaction t
              on t.tenant_id = $1 and t.id = e.transaction_id where e.tenant_id = $1)
  select 'I1 a level is below zero or holds more than there is' as what from level where reserved < 0 or reserved > on_hand
  union all
  select 'I2 ' || reserved || ' reserved, ' || coalesce(units, 0) || ' held'
    from level left join held using (variant_id, location_id) where reserved <> coalesce(units, 0)
  union all
  select 'I4 ' || on_hand || ' on hand, movements make ' || coalesce(units, 0)
    from level left join moved using (variant_id, location_id) where on_hand <> coalesce(units, 0)
  union all
  select 'I5 order ' || o.number || ' (' || o.status || '): accepted ' || coalesce(sum(p.amount), 0) || ' of ' || o.total
    from o left join p on p.order_id = o.id and p.accepted and p.currency = o.currency
   group by o.number, o.status, o.total, o.tendered
  having coalesce(sum(p.amount), 0) <> o.tendered
      or o.tendered <> case when o.status in ('open', 'completed') then o.total else 0 end
  union all
  select 'I5 a payment counts for an order in another currency' from p join o on o.id = p.order_id where p.currency <> o.currency
  union all
  select 'I5 payment ' || p.id || ' says ' || p.authorized || '/' || p.captured || '/' || p.refunded || ', its events '
         || s.authorized || '/' || s.captured || '/' || s.refunded
    from p join said s using (id) where (p.authorized, p.captured, p.refunded) is distinct from (s.authorized, s.captured, s.refunded)
     and p.provider <> 'manual'
  union all
  select 'I5 payment ' || p.id || ' sets aside ' || p.capturing || '/' || p.refunding || ' for ' || w.capturing || '/' || w.refunding
    from p join wished w using (id) where (p.capturing, p.refunding) is distinct from (w.capturing, w.refunding)
  union all
  select 'I8 payment ' || id || ': refunds exceed captures' from p where refunded + refunding > captured union all
  select 'I9 ' || kind || ' ' || reference || ' sums to ' || sum(amount) from entry
   group by transaction_id, kind, reference, currency having sum(amount) <> 0
  union all
  select 'I9 shoppers owe ' || coalesce((select sum(amount) from entry where account = 'receivable'), 0) || ' instead of '
         || due.amount from (
    select coalesce((select sum(total) from o where status in ('open', 'completed')), 0)
         - coalesce((select sum(captured - case when accepted then 0 else refunded end) from p), 0) as amount) as due
   where due.amount <> coalesce((select sum(amount) from entry where account = 'receivable'), 0)
  union all
  select 'I9 ' || a.provider || ' holds ' || coalesce(a.booked, 0) || ', payments make ' || a.due from (
    select p.provider, (select sum(amount) from entry
             where account = 'processor:' || p.provider and kind like 'payment.%') as booked,
           sum(captured - refunded - fee_taken + fee_returned) as due from p group by p.provider) as a
   where coalesce(a.booked, 0) <> a.due
  union all
  select 'I11 order ' || o.number || ' (' || o.status || '): ' || t.type || ' was said ' || coalesce(told.times, 0) || ' times'
    from o cross join (values ('order.placed'), ('order.paid'), ('order.cancelled')) as t (type)
    left join told on told.type = t.type and told.number = o.number::text
   where coalesce(told.times, 0) <> case
           when t.type = 'order.cancelled' then (o.status = 'cancelled')::int
           when o.id not in (select order_id from placed) then 0
           when t.type = 'order.placed' then 1
           else (select (coalesce(sum(captured), 0) >= o.total)::int from p where p.order_id = o.id and (p.accepted or o.status = 'cancelled')) end
     and not (t.type = 'order.paid' and o.status = 'cancelled' and told.times is null) -- captured later: it goes back
  union all
  select 'I12 an event has not left: ' || type from event where tenant_id = $1 and published_at is null
  union all
  select 'a job failed: ' || name || ': ' || coalesce(last_error, '') from job where tenant_id = $1 and status = 'failed'`;

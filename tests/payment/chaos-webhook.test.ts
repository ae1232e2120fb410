import { beforeAll, expect, test, vi } from "vitest";
import { copies } from "../race/race.js";
import type { Cart } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { isNight, size } from "../support/size.js";
import { byCard, cartOf } from "../support/stripe.js";
import { Till } from "../support/till.js";
import { breaches } from "./invariant.js";

const { payments: PAYMENTS } = size;
const DAYS = 3;
const HOUR = 3_600_000;
const patience = 120_000 + PAYMENTS * 400;

vi.setConfig({ testTimeout: patience });
const host = ownHost();
const tills: Till[] = [];
const figures: Record<string, unknown> = { payments: PAYMENTS };

/** Runs at most so many at once, as a shop has visitors. */
async function each<T>(items: readonly T[], run: (item: T) => Promise<void>, width = 12): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** One unit in each cart, and exactly so many units. */
async function carts(till: Till, count: number): Promise<Cart[]> {
  const { cart } = await cartOf(till.tenant, { stock: count });
  const admin = {
    query: async (text: string, values: unknown[]) => ({ rows: await host().admin.query(text, values) }),
  };
  return copies(admin as never, till.tenant, cart, count);
}

/** By all who pay: the order, then the payment on the shop's page, which always works here. */
async function purchase(till: Till, cart: Cart) {
  const { status, body, text } = await cart.complete(undefined, byCard);
  if (status !== 200) throw new Error(`${status} ${text}`);
  const { status: paid } = await till.pay(body.payment);
  expect(paid).toBe("requires_capture");
}

const took = async (name: string, run: () => Promise<unknown>) => {
  const since = performance.now();
  await run();
  figures[name] = `${((performance.now() - since) / 1000).toFixed(1)} s`;
};
const countOf = async (till: Till, what: string) => Number((await till.query(what))[0]?.count);
const sum = async (what: string) => {
  const counts = await Promise.all(tills.map((till) => countOf(till, what)));
  return counts.reduce((all, count) => all + count, 0);
};
const ORDERS = `select count(*) from "order" where tenant_id = $1`;

beforeAll(async () => {
  for (let shop = 0; shop < 2; shop++) tills.push(await Till.open(host()));
  const stock = await Promise.all(tills.map((till) => carts(till, PAYMENTS / tills.length)));
  const visits = stock.flatMap((mine, index) => mine.map((cart) => [tills[index] as Till, cart] as const));
  // Each event up to six times, among others in any order, some time in three days; one in twenty never.
  await tills[0]?.side.chaos({ seed: 6, webhooks: { duplicate: 5, delayMs: DAYS * 24 * HOUR, lose: 0.05 } });
  await took("ordered and paid", () => each(visits, ([till, cart]) => purchase(till, cart)));
  // However long this takes on a busy machine: what is lost is for the comparison to find, not for the expiry.
  for (const till of tills)
    await till.query("update payment set expires_at = now() + interval '1 day' where tenant_id = $1");
  await took("three days", async () => {
    for (let hour = 0; hour < DAYS * 24; hour += 6) {
      await host().clock.advance(6 * HOUR);
      // Its captures make events of their own, which take their time again.
      if (PAYMENTS < 1_000) await tills[0]?.rest();
    }
    await tills[0]?.rest(patience);
    await host().clock.advance(DAYS * 24 * HOUR + HOUR);
    await tills[0]?.rest(patience);
  });
}, 2 * patience);

test("each event did its work once, whatever became of it on its way", async () => {
  const paid = await sum(`${ORDERS} and status = 'open' and payment_status = 'captured'`);
  const { webhooks } = tills[0]?.stripe.state() ?? {};
  Object.assign(figures, { paidByWebhooks: paid, webhooks });
  expect(await sum(ORDERS)).toBe(PAYMENTS);
  expect(paid).toBeGreaterThan(PAYMENTS * 0.85);
  expect(await sum(`${ORDERS} and status not in ('open', 'pending')`)).toBe(0);
  expect(webhooks?.duplicates).toBeGreaterThan(PAYMENTS);
  expect(webhooks?.lost).toBeGreaterThan(0);
  expect(webhooks?.failed).toBe(0);
  // Each event is one row and one job, however often it came.
  const jobs = await sum("select count(*) from job where tenant_id = $1 and name = 'stripe.event'");
  const rows = await sum("select count(*) from platform.stripe_event where tenant_id = $1");
  Object.assign(figures, { events: rows });
  expect(jobs).toBe(rows);
});

test("what was lost is repaired by one pass of the comparison", async () => {
  await took("reconciled", async () => {
    for (const till of tills)
      await till.query("update payment_account set reconciled_at = now() - interval '90 minutes' where tenant_id = $1");
    await tills[0]?.sweep();
    await tills[0]?.rest(patience);
  });
  const passes = await sum("select count(*) from job where tenant_id = $1 and name = 'payment.reconcile'");
  const paid = await sum(`${ORDERS} and status = 'open' and payment_status = 'captured'`);
  Object.assign(figures, { passes, paid });
  expect(passes).toBe(tills.length);
  expect(paid).toBe(PAYMENTS);
});

test("orders, events, mails, goods, books and Stripe agree", async () => {
  for (const till of tills) expect(await breaches(till)).toEqual([]);
  const mails = host()
    .mailbox.list()
    .filter(({ subject }) => subject.startsWith("Your order"));
  const units = await sum("select -sum(delta) as count from stock_movement where tenant_id = $1 and reason = 'sold'");
  const left = await sum("select sum(on_hand) as count from stock_level where tenant_id = $1");
  Object.assign(figures, { mails: mails.length, units, left });
  expect(mails).toHaveLength(PAYMENTS);
  expect(units).toBe(PAYMENTS);
  expect(left).toBe(0);
  const kept = tills.flatMap(({ stripe, account }) => stripe.objects("payment_intent", account));
  expect(kept.filter(({ amount_received }) => amount_received === 10_000)).toHaveLength(PAYMENTS);
  if (isNight) console.info(JSON.stringify(figures, null, 2));
});

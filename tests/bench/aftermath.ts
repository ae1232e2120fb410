import { setTimeout as sleep } from "node:timers/promises";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import type { Host } from "../../stacks/local/host.js";
import { countCalls } from "./calls.js";
import { type Cpu, each, minus, spend } from "./cpu.js";
import { type Latency, latencyOf } from "./figure.js";
import type { Generator } from "./generator.js";
import { CONNECTIONS } from "./mode.js";
import { scenarios } from "./scenario.js";
import type { Shop } from "./shop.js";
import { walk } from "./trips.js";

const followers = ["relay", "events", "jobs"] as const;
type Follower = (typeof followers)[number];

/** What follows an order: subscribers, and the mail to the customer. All but the latency is for each order. */
export interface Aftermath {
  readonly orders: number;
  readonly perSecond: number;
  readonly invocations: Readonly<Record<Follower, number>>;
  /** By action of SQS and EventBridge. */
  readonly calls: Readonly<Record<string, number>>;
  /** Milliseconds beyond those of the same orders while nothing of it is done. */
  readonly cpu: Cpu;
  /** Milliseconds from an order's commit to the commit of a subscriber's effect, by the database's clock. */
  readonly effect: Latency;
}

/** How often each function has run. */
const servedBy = (host: Host) =>
  followers.map((name) => host.pools[name].environments().reduce((sum, { served }) => sum + served, 0));

/** Commits of what was made since $2; an order's lines are of one transaction with its event. */
const committed = `
  select event.id::text as event, 1000 * extract(epoch from pg_xact_commit_timestamp(line.xmin))::float8 as ms
  from event join lateral (
    select xmin from order_line where tenant_id = event.tenant_id and created_at = event.created_at limit 1
  ) as line on true
  where event.tenant_id = $1 and event.created_at >= $2::timestamptz`;
/** Subscribers note an event in the inbox, in the transaction of their effect. */
const handled = `
  select split_part(id, '/', 1) as event, 1000 * extract(epoch from pg_xact_commit_timestamp(xmin))::float8 as ms
  from inbox where tenant_id = $1 and created_at >= $2::timestamptz`;

/** Makes the database note when a transaction commits, from its next start on. */
export const noteCommits = (host: Host) => host.admin.query("alter system set track_commit_timestamp = on");

const idOfTenant = async (host: Host, { tenant }: Shop) =>
  String((await host.admin.query("select tenant_id::text as id from tenant where slug = $1", [tenant]))[0]?.id);

/** The milliseconds that each effect came after its order. */
async function delays(host: Host, shop: Shop, since: string): Promise<number[]> {
  const tenant = await idOfTenant(host, shop);
  const orders = (await host.admin.query(committed, [tenant, since])) as { event: string; ms: number }[];
  const effects = (await host.admin.query(handled, [tenant, since])) as { event: string; ms: number }[];
  const at = new Map(orders.map(({ event, ms }) => [event, ms]));
  const uuidOf = (event: string) => (event.includes("_") ? typeIdToUuid("evt", event) : event);
  return effects.flatMap(({ event, ms }) => {
    const start = at.get(uuidOf(event));
    return start === undefined ? [] : [ms - start];
  });
}

/** Places orders; answers how many. */
type Place = () => Promise<number>;

/** One order after the other, each at its second. */
const placeSlowly =
  (shop: Shop, orders: number): Place =>
  async () => {
    let next = performance.now();
    for (let nth = 0; nth < orders; nth += 1) {
      next += 1_000;
      await walk(shop, scenarios.checkout);
      await sleep(Math.max(0, next - performance.now()));
    }
    return orders;
  };

const placeAtOnce =
  (generator: Generator, shop: Shop, orders: number): Place =>
  async () => {
    const order = { scenario: "checkout", shops: [shop], url: shop.url, connections: CONNECTIONS } as const;
    return (await generator.run({ ...order, rounds: orders })).rounds.length;
  };

async function follow(host: Host, shop: Shop, place: Place, quiet: () => Promise<void>): Promise<Aftermath> {
  await host.pause();
  const alone = await spend(host, place);
  host.resume();
  await quiet();
  const [row] = await host.admin.query("select now()::text as now");
  const before = servedBy(host);
  const counter = countCalls();
  let ms = 0;
  const all = await spend(host, async () => {
    const since = performance.now();
    const orders = await place();
    ms = performance.now() - since;
    await quiet();
    return orders;
  });
  const calls = counter.stop();
  const served = servedBy(host).map((count, index) => count - (before[index] ?? 0));
  const orders = all.result;
  const batches = served.reduce((sum, count) => sum + count, 0);
  const counts = { ...calls, ReceiveMessage: batches, DeleteMessageBatch: batches };
  return {
    orders,
    perSecond: (orders * 1_000) / ms,
    invocations: fromPairs(followers, served, orders),
    calls: fromPairs(Object.keys(counts), Object.values(counts), orders),
    cpu: minus(each(all.cpu, orders), each(alone.cpu, alone.result)),
    effect: latencyOf(await delays(host, shop, String(row?.now))),
  };
}

const fromPairs = <Name extends string>(names: readonly Name[], counts: readonly number[], orders: number) =>
  Object.fromEntries(names.map((name, index) => [name, (counts[index] ?? 0) / orders])) as Record<Name, number>;

export const total = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** At one order a second, and at sixteen connections. */
export async function followOrders(
  host: Host,
  generator: Generator,
  shop: Shop,
  counts: { readonly slow: number; readonly fast: number },
  quiet: () => Promise<void>,
): Promise<{ readonly slow: Aftermath; readonly fast: Aftermath }> {
  await walk(shop, scenarios.checkout);
  await quiet();
  return {
    slow: await follow(host, shop, placeSlowly(shop, counts.slow), quiet),
    fast: await follow(host, shop, placeAtOnce(generator, shop, counts.fast), quiet),
  };
}

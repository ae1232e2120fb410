import { sql } from "drizzle-orm";
import { afterAll, describe, expect, inject, test, vi } from "vitest";
import { type Admission, type Answer, type Ask, LEASE_LIFE, Leases } from "../../core/rate/lease.js";
import { answersOf, askText, leaseTokens } from "../../core/rate/lease-statement.js";
import { BURST, tenantBucket } from "../../core/rate/policy.js";
import { tenantTableRoot } from "../../core/tenant/tenant.sql.js";
import { Client } from "../../drizzle/client.js";
import { readTenant, withTenant } from "../../drizzle/tenant.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { atOnce } from "../race/race.js";
import { size } from "../support/size.js";

vi.setConfig({ testTimeout: 180_000 });
const ENVIRONMENTS = 16;
const { appUrl, proxy } = inject("system");
const clients = Array.from({ length: ENVIRONMENTS }, () => new Client({ url: appUrl, proxy }));
afterAll(() => Promise.all(clients.map((client) => client.end())));

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const isAdmitted = (states: readonly { granted: boolean }[]) => states.every(({ granted }) => granted);
/** What environments may owe to a tenant's bucket, all together. */
const owed = (rate: number) => ENVIRONMENTS * Math.floor(rate / 64);
/** What a bucket lets pass in so many seconds. */
const allowance = (rate: number, seconds: number) => BURST * rate + rate * seconds;

/** A row of `rate_bucket`, by a clock of the test's own. */
class Row {
  #tokens: number;
  #at = 0;
  constructor(readonly rate: number) {
    this.#tokens = BURST * rate;
  }

  take({ id, need, want, owed: debt }: Ask, now: number): Answer {
    const capacity = BURST * this.rate;
    const before = Math.min(capacity, this.#tokens + (this.rate * (now - this.#at)) / 1000);
    const level = before - debt;
    const granted = level >= need;
    this.#tokens = level - (granted ? Math.min(want, Math.max(need, Math.floor(level / 8))) : 0);
    this.#at = now;
    return { id, capacity, perSecond: this.rate, before, tokens: this.#tokens, granted };
  }
}

/**
 * Milliseconds of a clock of its own: at each of them `requests(ms)` callers ask, each of any environment.
 * @returns the tokens of those that were admitted in each of them, of all that asked, and how many statements were sent
 */
function simulate(
  rate: number,
  duration: number,
  requests: (ms: number) => number,
  environments = ENVIRONMENTS,
  costs: readonly number[] = [1],
) {
  const row = new Row(rate);
  const all = Array.from({ length: environments }, () => new Leases());
  const admitted = new Array<number>(duration).fill(0);
  let [asked, statements] = [0, 0];
  for (let now = 0; now < duration; now += 1) {
    for (let count = requests(now); count > 0; count -= 1) {
      const cost = costs[Math.floor(Math.random() * costs.length)] ?? 1;
      asked += cost;
      const leases = all[Math.floor(Math.random() * environments)] as Leases;
      const admission = leases.admit("ten_x", [tenantBucket], now, cost);
      const asks = admission.asks ?? [];
      statements += asks.length;
      const states = admission.settle(
        asks.map((ask) => row.take(ask, now)),
        rate,
        now,
      );
      if (isAdmitted(states)) admitted[now] = (admitted[now] ?? 0) + cost;
    }
  }
  return { admitted, asked, statements };
}

/** Requests that arrive at random, so many a second on average. */
const atRandom = (perSecond: number) => () => {
  let count = 0;
  for (let p = Math.random(); p > Math.exp(-perSecond / 1000); p *= Math.random()) count += 1;
  return count;
};

describe("sixteen environments, by a simulated clock", () => {
  test.each([20, 100, 500])("admit what the bucket allows of ten times %i requests a second", (rate) => {
    const seconds = 60;
    const { admitted, statements } = simulate(rate, seconds * 1000, atRandom(10 * rate));
    const total = sum(admitted);
    expect(total).toBeLessThanOrEqual(allowance(rate, seconds) + owed(rate));
    expect(total).toBeLessThanOrEqual(1.05 * rate * seconds);
    expect(total).toBeGreaterThan(0.98 * rate * seconds);
    // Each environment asks an empty bucket twenty times a second, and as often as it is given tokens.
    expect(statements).toBeLessThan(seconds * (ENVIRONMENTS * 20 + rate));
  });

  test.each([20, 100, 500])("admit no more in any window, however %i requests a second are spread", (rate) => {
    // Silence, in which leases lie unused, and floods.
    let isFlood = false;
    const duration = 15_000;
    const { admitted } = simulate(rate, duration, (ms) => {
      if (ms % 700 === 0) isFlood = Math.random() < 0.4;
      return atRandom(isFlood ? 20 * rate : rate / 4)();
    });
    const upTo = [0];
    for (const count of admitted) upTo.push((upTo.at(-1) ?? 0) + count);
    for (const window of [100, 1_000, 5_000, 12_000]) {
      let most = 0;
      for (let end = window; end <= duration; end += 1)
        most = Math.max(most, (upTo[end] ?? 0) - (upTo[end - window] ?? 0));
      expect([window, most]).toSatisfy(
        () => most <= allowance(rate, (window + LEASE_LIFE) / 1000) + owed(rate),
        `${most} in ${window} ms`,
      );
      if (window === 12_000) expect(most).toBeLessThanOrEqual((1.25 * rate * window) / 1000);
    }
  });

  test.each([
    [20, 0.5, 0.99],
    [100, 0.9, 0.99],
    [100, 1, 0.95],
    [2_000, 0.9, 0.99],
    [2_000, 1, 0.95],
    [500, 1.2, 0.8],
  ])("starve nobody: of %i requests a second, %d times as many ask and %d of them pass", (rate, demand, least) => {
    const { admitted, asked } = simulate(rate, 20_000, atRandom(rate * demand));
    expect(sum(admitted) / asked).toBeGreaterThan(least);
  });

  test.each([20, 100, 500])("admit no more of %i tokens a second where requests cost one, two and twenty", (rate) => {
    const seconds = 60;
    const costs = [1, 1, 1, 2, 2, 20];
    const { admitted } = simulate(rate, seconds * 1000, atRandom(2 * rate), ENVIRONMENTS, costs);
    expect(sum(admitted)).toBeLessThanOrEqual(allowance(rate, seconds) + owed(rate));
    expect(sum(admitted)).toBeGreaterThan(0.9 * rate * seconds);
    const served = simulate(2_000, 20_000, atRandom(350), ENVIRONMENTS, costs); // 1,575 tokens a second
    expect(sum(served.admitted) / served.asked).toBeGreaterThan(0.98);
  });

  test("send a statement for few of the requests that pass", () => {
    const { admitted, statements } = simulate(2_000, 10_000, atRandom(1_000));
    expect(statements / sum(admitted)).toBeLessThan(0.05);
    const one = simulate(2_000, 10_000, atRandom(500), 1);
    expect(one.statements / sum(one.admitted)).toBeLessThan(0.01);
    const quiet = simulate(2_000, 100_000, atRandom(1), 1);
    expect(quiet.statements).toBeLessThan(12);
  });
});

describe("one environment", () => {
  const rate = 2_000;
  const ask = (leases: Leases, now: number) => leases.admit("ten_x", [tenantBucket], now);
  const answer = (admission: Admission, row: Row, now: number, current = row.rate) =>
    admission.settle(admission.asks?.map((one) => row.take(one, now)) ?? [], current, now);

  test("gives a token back when the credential is unknown", () => {
    const [leases, row] = [new Leases(), new Row(rate)];
    answer(ask(leases, 0), row, 0);
    for (let count = 0; count < 1_000; count += 1) {
      const admission = ask(leases, 1);
      expect(admission.asks).toBeUndefined();
      admission.cancel();
    }
    expect(answer(ask(leases, 1), row, 1)).toMatchObject([{ granted: true, remaining: BURST * rate - 1 }]);
  });

  test("applies another plan from the next request on", () => {
    const [leases, row] = [new Leases(), new Row(rate)];
    answer(ask(leases, 0), row, 0);
    const smaller = answer(ask(leases, 1), row, 1, 100);
    expect(smaller).toMatchObject([{ granted: true, limit: 200, remaining: 199 }]); // a token that it owes
    expect(ask(leases, 2).asks).toMatchObject([{ owed: 1 }]);
    const tiny = new Leases();
    answer(ask(tiny, 0), new Row(rate), 0);
    expect(answer(ask(tiny, 1), row, 1, 10)).toMatchObject([{ granted: true, limit: 20, remaining: 19 }]);
    expect(ask(tiny, 2).asks).toMatchObject([{ owed: 0 }]); // the next one asks, and nothing is owed
    const larger = new Leases();
    answer(ask(larger, 0), new Row(100), 0);
    expect(answer(ask(larger, 1), row, 1, 500)).toMatchObject([{ granted: true, limit: 1_000 }]);
    expect(ask(larger, 2).asks).toHaveLength(1);
  });

  test("refuses from memory for 50 ms, then asks; a clock that jumps back changes nothing", () => {
    const [leases, row] = [new Leases(), new Row(2)];
    const granted = Array.from({ length: 5 }, () => isAdmitted(answer(ask(leases, 10), row, 10)));
    expect(granted).toEqual([true, true, true, true, false]);
    expect([ask(leases, 59).isRefused, ask(leases, 60).isRefused, ask(leases, 9).isRefused]).toEqual([
      true,
      false,
      false,
    ]);
    expect(ask(leases, 60).asks).toHaveLength(1);
  });
});

test("sixteen environments on one database admit what the bucket allows of ten times as many", async () => {
  const rate = 100;
  const tenant = newTypeId("ten");
  const [first] = clients as [Client];
  await withTenant(first, tenant, async (tx) => {
    const slug = tenant.slice(-12);
    const named = { slug, name: slug, livemode: false, currency: "EUR", country: "DE" };
    await tx.insert(tenantTableRoot).values({ ...named, requestRate: rate });
  });
  let statements = 0;
  const request = async (leases: Leases, client: Client) => {
    const admission = leases.admit(tenant, [tenantBucket]);
    const { asks } = admission;
    if (!asks) return isAdmitted(admission.settle([], rate));
    statements += 1;
    const [result] = await readTenant(client, tenant, (q) => [leaseTokens(q, askText(asks), sql`true`)]);
    return isAdmitted(admission.settle(answersOf(result), rate));
  };
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  let [admitted, refused] = [0, 0];
  await atOnce(ENVIRONMENTS, async (index) => {
    const leases = new Leases();
    for (let sent = 0; seconds() < size.rateSeconds; sent += 1) {
      if (await request(leases, clients[index] as Client)) admitted += 1;
      else refused += 1;
      const ahead = (sent * ENVIRONMENTS) / (10 * rate) - seconds();
      if (ahead > 0) await new Promise((resume) => setTimeout(resume, 1_000 * ahead));
    }
  });
  const allowed = allowance(rate, seconds());
  expect(admitted).toBeLessThanOrEqual(allowed + owed(rate));
  expect(admitted).toBeGreaterThan(0.9 * allowed);
  expect(refused).toBeGreaterThan(admitted);
  expect(statements).toBeLessThan(0.6 * (admitted + refused));
});

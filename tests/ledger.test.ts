import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { calculateAmounts, sumTotals } from "../core/kernel/amounts.js";
import type { Currency } from "../core/kernel/money.js";
import { Ledger } from "../core/ledger/index.js";
import { ledgerKinds } from "../core/ledger/kind.js";
import { type Entry, Posting, type Sale } from "../core/ledger/posting.js";
import { type Body, newTenant, type Tenant } from "./support/client.js";
import { asSystem, environments } from "./support/domain.js";

const amount = fc.integer({ min: 0, max: 1_000_000 });
const listed = fc.record({
  unitPrice: amount,
  quantity: fc.integer({ min: 1, max: 50 }),
  taxInclusive: fc.boolean(),
  taxRate: fc.integer({ min: 0, max: 3_000 }),
});
const currency = fc.constantFrom<Currency>("EUR", "USD", "JPY");
const sale: fc.Arbitrary<Sale> = fc
  .record({ lines: fc.array(listed, { minLength: 1, maxLength: 5 }), delivery: listed, currency })
  .map(({ lines, delivery, currency: of }) => {
    const shipped = { ...delivery, quantity: 1 };
    const { tax, total, shipping } = sumTotals(lines.map(calculateAmounts), calculateAmounts(shipped));
    const { taxInclusive: shippingTaxInclusive, taxRate: shippingTaxRate } = delivery;
    return { currency: of, tax, total, shipping, shippingTaxInclusive, shippingTaxRate };
  });
/** Parts that add up to all of it. */
const parts = (whole: number, cuts: readonly number[]) => {
  const at = [0, ...cuts.map((cut) => Math.round(cut * whole)).sort((a, b) => a - b), whole];
  return at.slice(1).map((end, index) => end - (at[index] ?? 0));
};
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

/** What the accounts come to, without those that come to nothing. */
function balances(entries: readonly Entry[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { account, amount: value } of entries) sums[account] = (sums[account] ?? 0) + value;
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
}
const pay = (order: Sale, value = order.total) => ({ provider: "stripe", currency: order.currency, amount: value });

/** Refunds of an order that stands, one after the other. */
function refunds(order: Sale, values: readonly number[], before = 0): Entry[] {
  let refunded = before;
  return values.flatMap((value) => {
    const entries = Posting.refundEntries({ ...pay(order, value), sale: { ...order, refunded } });
    refunded += value;
    return entries;
  });
}

describe("postings", () => {
  test("a sale owes what it costs, and earns it without the tax", () => {
    fc.assert(
      fc.property(sale, (order) => {
        const { receivable = 0, sales = 0, shipping = 0, tax_payable = 0 } = balances(Posting.saleEntries(order));
        expect([receivable, tax_payable]).toEqual([order.total, 0 - order.tax]); // not -0
        expect(-(sales + shipping)).toBe(order.total - order.tax);
        expect(Math.max(sales, shipping)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("what is captured and refunded in any parts leaves no debt, no money and no tax", () => {
    fc.assert(
      fc.property(sale, cuts, cuts, (order, taken, returned) => {
        const books = [
          ...Posting.saleEntries(order),
          ...parts(order.total, taken).flatMap((part) => Posting.captureEntries(pay(order, part))),
          ...refunds(order, parts(order.total, returned)),
        ];
        const { sales = 0, shipping = 0, refunds: allowed = 0, ...rest } = balances(books);
        expect(rest).toEqual({});
        expect(allowed).toBe(-sales - shipping);
      }),
    );
  });

  test("fees and disputes", () => {
    const paid = { provider: "stripe", currency: "EUR", amount: 1_000 } as const;
    const fee = { ...paid, amount: 30 };
    const taken = [...Posting.captureEntries(paid), ...Posting.platformFeeEntries(fee)];
    expect(balances(taken)).toEqual({ "processor:stripe": 970, receivable: -1_000, platform_fees: 30 });
    const back = [
      ...Posting.refundEntries({ ...paid, sale: null }),
      ...Posting.platformFeeEntries({ ...fee, amount: -30 }),
    ];
    expect(balances([...taken, ...back])).toEqual({});
    const withheld = [...Posting.disputeEntries(paid), ...Posting.disputeFeeEntries({ ...paid, amount: 15 })];
    expect(balances(withheld)).toEqual({ "processor:stripe": -1_015, disputes: 1_000, processor_fees: 15 });
    expect(balances([...withheld, ...Posting.disputeLossEntries(paid)])).toEqual({
      "processor:stripe": -1_015,
      dispute_losses: 1_000,
      processor_fees: 15,
    });
    expect(balances([...withheld, ...Posting.disputeEntries({ ...paid, amount: -1_000 })])).toEqual({
      "processor:stripe": -15,
      processor_fees: 15,
    });
  });
});

describe("the books", () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await newTenant();
  });
  const record = (...fact: Parameters<typeof Ledger.record>) => asSystem(tenant.id, () => Ledger.record(...fact));
  const written = async (reference: string): Promise<Body[]> =>
    (await tenant.get(`/v1/admin/ledger/transactions?reference=${reference}`)).data;
  const money = { provider: "stripe", currency: "EUR", amount: 100 } as const;
  const paid = [...Posting.captureEntries(money), ...Posting.platformFeeEntries({ ...money, amount: 3 })];

  test("what does not balance, or is no integer, is refused before anything is asked of the database", async () => {
    const [first, ...others] = paid;
    await expect(record("payment.captured", "lacking", others)).rejects.toThrow("do not balance in EUR");
    const abroad = { ...first, currency: "USD" } as Entry;
    await expect(record("payment.captured", "lacking", [abroad, ...others])).rejects.toThrow("do not balance");
    for (const value of [0.5, Number.NaN, 2 ** 53])
      await expect(
        record(
          "payment.captured",
          "lacking",
          Posting.disputeEntries({ provider: "x", currency: "EUR", amount: value }),
        ),
      ).rejects.toThrow("no amount");
    await expect(
      record("payment.captured", "stray", [
        { account: "sales", amount: 1, currency: "EUR" },
        { account: "sails", amount: -1, currency: "EUR" },
      ]),
    ).rejects.toThrow('No module lists the ledger account "sails".');
    expect(
      await record(
        "payment.captured",
        "nothing",
        Posting.captureEntries({ provider: "x", currency: "EUR", amount: 0 }),
      ),
    ).toBe(false);
    expect([await written("lacking"), await written("nothing")]).toEqual([[], []]);
  });

  const domain = async () => ({
    ...(await import("../core/kernel/db.js")),
    ...(await import("../core/ledger/index.js")),
  });

  test("twenty at once record a fact once, with entries that are not nothing", { timeout: 90_000 }, async () => {
    const twenty = await environments(20, domain);
    // Each is connected before they race.
    await Promise.all(twenty.map((run) => run(tenant.id, ({ db }) => db(async (tx) => tx.execute("select 1")))));
    const all = await Promise.all(
      twenty.map((run) => run(tenant.id, ({ Ledger: its }) => its.record("payment.captured", "race", paid))),
    );
    expect(all.filter(Boolean)).toHaveLength(1);
    const [fact, ...more] = await written("race");
    expect([more, fact.kind, fact.entries]).toEqual([
      [],
      "payment.captured",
      [
        { account: "processor:stripe", amount: { amount: 100, currency: "EUR" } },
        { account: "receivable", amount: { amount: -100, currency: "EUR" } },
        { account: "platform_fees", amount: { amount: 3, currency: "EUR" } },
        { account: "processor:stripe", amount: { amount: -3, currency: "EUR" } },
      ],
    ]);
    expect(await record("payment.refunded", "race", paid)).toBe(true); // another kind of fact
  });

  test("who waits for one that is rolled back records it", { timeout: 60_000 }, async () => {
    const [one, two] = await environments(2, domain);
    const order: string[] = [];
    const waiting: Promise<unknown>[] = [];
    const undone = one?.(tenant.id, ({ db, Ledger: its }) =>
      db(async () => {
        expect(await its.record("payment.captured", "undone", paid)).toBe(true);
        const second = two?.(tenant.id, ({ Ledger: other }) => other.record("payment.captured", "undone", paid));
        waiting.push((second ?? Promise.reject()).then((recorded) => order.push(`second ${recorded}`)));
        await new Promise((resume) => setTimeout(resume, 1_000));
        order.push("first given up");
        throw new Error("given up");
      }),
    );
    await expect(undone).rejects.toThrow("given up");
    await Promise.all(waiting);
    expect(order).toEqual(["first given up", "second true"]);
    expect(await written("undone")).toHaveLength(1);
  });

  test("any sequence of postings, with repetitions, has a trial balance of zero", async () => {
    const posting = fc.oneof(
      sale.map(Posting.saleEntries),
      sale.map((order) => Posting.captureEntries(pay(order))),
      fc
        .tuple(sale, fc.integer({ min: -999, max: 999 }))
        .map(([order, fee]) => Posting.platformFeeEntries(pay(order, fee))),
      fc.tuple(sale, amount).map(([order, value]) => {
        return Posting.refundEntries({ ...pay(order, value), sale: { ...order, refunded: 7 } });
      }),
      fc
        .tuple(sale, fc.integer({ min: -1_000, max: 1_000 }))
        .map(([order, value]) => Posting.disputeEntries(pay(order, value))),
      fc.tuple(sale, amount).map(([order, value]) => Posting.disputeLossEntries(pay(order, value))),
    );
    const fact = fc.tuple(fc.constantFrom(...ledgerKinds.all()), fc.integer({ min: 0, max: 9 }), posting);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fact, { minLength: 1, maxLength: 12 }), async (facts) => {
        run += 1;
        const known = new Map<string, number>();
        for (const [kind, number, entries] of facts) {
          const reference = `run ${run} no ${number}`;
          const moves = entries.some(({ amount: value }) => value !== 0);
          expect(await record(kind, reference, entries)).toBe(moves && !known.has(`${kind} ${reference}`));
          if (moves) known.set(`${kind} ${reference}`, known.size);
        }
        const { data } = await tenant.get("/v1/admin/ledger/accounts");
        const sums = new Map<string, number>();
        for (const { balance } of data) sums.set(balance.currency, (sums.get(balance.currency) ?? 0) + balance.amount);
        expect([...sums.values()].filter((sum) => sum !== 0)).toEqual([]);
      }),
      { numRuns: 25 },
    );
    const { data } = await tenant.get("/v1/admin/ledger/accounts");
    expect(data.length).toBeGreaterThan(8);
  });
});

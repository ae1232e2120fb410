import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Dispute } from "../../core/dispute/index.js";
import { type Body, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { disputesAtStripe, moved, newSaid, type Paid, paidAtStripe, type Said } from "../support/disputed.js";
import { asSystem, environments } from "../support/domain.js";
import { size } from "../support/size.js";

/** Whatever order Stripe's answers come in, the row, the books and the events say what was said last. */

const admin = administrator();
const stripe = await disputesAtStripe();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});
beforeEach(() => {
  stripe.delay = async () => {};
  stripe.asked.length = 0;
});

const sync = ({ account, paymentIntent }: Paid, { id }: Pick<Said, "id">, tenant = mine) =>
  asSystem(tenant.id, () => Dispute.sync({ reference: id, paymentIntent, account }));
const say = (said: Said) => stripe.disputes.set(said.id, said);
const disputes = async (query = ""): Promise<Body[]> => (await mine.get(`/v1/admin/disputes?limit=100${query}`)).data;
const find = async ({ id }: Said) => (await disputes()).find(({ reference }) => reference === id);
const events = async (disputeId: string): Promise<string[][]> => {
  const text = "select type, data ->> 'status' as status from event where data ->> 'disputeId' = $1 order by id";
  return (await admin.query(text, [disputeId])).rows.map(({ type, status }) => [type, status]);
};
async function balances(): Promise<Record<string, number>> {
  const { data } = await mine.get("/v1/admin/ledger/accounts?currency=EUR");
  const touched = data.filter(({ account }: Body) => /^disput|^process/.test(account)); // sales are booked meanwhile
  return Object.fromEntries(touched.map(({ account, balance }: Body) => [account, balance.amount]));
}
/** What the accounts change by. */
async function booked(run: () => Promise<unknown>) {
  const before = await balances();
  await run();
  const changes = Object.entries(await balances()).map(([account, sum]) => [account, sum - (before[account] ?? 0)]);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

describe("a dispute", () => {
  test("becomes a row with its deadline, events, entries of the order and of the books, each once", async () => {
    const paid = await paidAtStripe(admin, mine);
    const said = newSaid(paid);
    say(said);
    await sync(paid, said);
    await sync(paid, said);
    expect(stripe.asked[0]).toEqual({ id: said.id, account: paid.account, key: "Bearer sk_test_disputes" });
    const due = new Date((said.evidence_details.due_by ?? 0) * 1_000).toISOString().replace(".000Z", "Z");
    const dispute = await find(said);
    expect(dispute).toMatchObject({
      orderId: paid.orderId,
      paymentId: paid.paymentId,
      status: "needs_response",
      reason: "product_not_received",
      amount: { amount: 1_500, currency: "EUR" },
      withheld: { amount: 0, currency: "EUR" },
      evidenceDueAt: due,
      closedAt: null,
      version: 1,
    });
    const withdrawn = { ...said, balance_transactions: [moved(-1_500, 2_000)] };
    say(withdrawn);
    expect(await booked(() => sync(paid, said))).toEqual({
      disputes: 1_500,
      processor_fees: 2_000,
      "processor:stripe": -3_500,
    });
    expect(await booked(() => sync(paid, said))).toEqual({});
    say({ ...withdrawn, status: "under_review" });
    await sync(paid, said);
    say({ ...withdrawn, status: "lost" });
    expect(await booked(() => sync(paid, said))).toEqual({ disputes: -1_500, dispute_losses: 1_500 });
    const lost = await mine.get(`/v1/admin/disputes/${dispute.id}`);
    expect(lost).toMatchObject({
      status: "lost",
      closedAt: expect.any(String),
      withheld: { amount: 1_500 },
      version: 4,
    });
    expect(await events(dispute.id)).toEqual([
      ["dispute.opened", "needs_response"],
      ["dispute.funds_withdrawn", "needs_response"],
      ["dispute.updated", "under_review"],
      ["dispute.closed", "lost"],
    ]);
    const { timeline, attention, concerns } = await mine.get(`/v1/admin/orders/${paid.orderId}`);
    const told = timeline.filter(({ type }: Body) => type.startsWith("dispute"));
    const types = ["dispute_lost", "dispute_answered", "dispute_funds_withdrawn", "dispute_opened"];
    expect(told.map(({ type, data }: Body) => [type, data.amount.amount])).toEqual(types.map((type) => [type, 1_500]));
    expect(told[0].actor).toEqual({ type: "provider", provider: "stripe" });
    expect([attention, concerns]).toMatchObject(["dispute_lost", [{ reference: dispute.id, amount: 1_500 }]]);
  });

  test("that is won gives back what was withheld, its fee too", async () => {
    const paid = await paidAtStripe(admin, mine);
    const said = newSaid(paid, { balance_transactions: [moved(-1_500, 2_000)] });
    say(said);
    await sync(paid, said);
    const back = [...said.balance_transactions, moved(1_500, -2_000)];
    say({ ...said, status: "won" });
    expect(await booked(() => sync(paid, said))).toEqual({}); // the money comes a moment later
    say({ ...said, status: "won", balance_transactions: back });
    expect(await booked(() => sync(paid, said))).toEqual({
      disputes: -1_500,
      processor_fees: -2_000,
      "processor:stripe": 3_500,
    });
    expect(await find(said)).toMatchObject({ status: "won", withheld: { amount: 0 } });
  });

  test("that is lost, appealed and won leaves nothing in the books", async () => {
    const paid = await paidAtStripe(admin, mine);
    const taken = moved(-1_500);
    const said = newSaid(paid, { status: "lost", balance_transactions: [taken] });
    const change = await booked(async () => {
      for (const status of ["lost", "appeal_under_review", "lost", "appeal_needs_response", "won"]) {
        const balance_transactions = status === "won" ? [taken, moved(1_500)] : [taken];
        say({ ...said, status, balance_transactions });
        await sync(paid, said);
      }
    });
    expect(change).toEqual({});
    expect(await events((await find(said)).id)).toEqual([
      ["dispute.opened", "lost"],
      ["dispute.closed", "lost"],
      ["dispute.funds_withdrawn", "lost"],
      ["dispute.reopened", "appeal_under_review"],
      ["dispute.closed", "lost"],
      ["dispute.reopened", "appeal_needs_response"],
      ["dispute.closed", "won"],
      ["dispute.funds_reinstated", "won"],
    ]);
    expect((await mine.get(`/v1/admin/orders/${paid.orderId}`)).concerns).toEqual([]);
  });

  test("of an account that is settled in another currency is booked as it was paid, its fee as it was charged", async () => {
    const paid = await paidAtStripe(admin, mine, { currency: "JPY", amount: 500 });
    const said = newSaid(paid, { currency: "jpy", balance_transactions: [moved(-312, 2_000, "eur")] });
    say(said);
    expect(await booked(() => sync(paid, said))).toEqual({ processor_fees: 2_000, "processor:stripe": -2_000 });
    expect(await find(said)).toMatchObject({ withheld: { amount: 500, currency: "JPY" } });
  });

  test("without a deadline has none", async () => {
    const paid = await paidAtStripe(admin, mine);
    const said = newSaid(paid, { evidence_details: { due_by: 0 } });
    say(said);
    await sync(paid, said);
    expect(await find(said)).toMatchObject({ evidenceDueAt: null });
  });
});

describe("answers that overtake each other", () => {
  const status = fc.constantFrom("needs_response", "under_review", "lost", "won", "appeal_under_review");
  const step = fc.record({ status, move: fc.option(fc.constantFrom(-1_500, 1_500, 700)), twice: fc.boolean() });

  test("an older one never overwrites a newer one, and each fact is booked once", {
    timeout: 15_000 * size.disputeRuns,
  }, async () => {
    const { orderId: order } = await paidAtStripe(admin, mine);
    const workers = await environments(5, () => import("../../core/dispute/index.js"));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
        const paid = await paidAtStripe(admin, mine, { order });
        let said = newSaid(paid);
        const late: Promise<void>[] = [];
        stripe.delay = () => new Promise((resume) => setTimeout(resume, Math.random() * 30));
        // As the job does when it is not the fastest in all its rounds.
        const { account, paymentIntent } = paid;
        const named = { reference: said.id, account, paymentIntent };
        const patiently = async () => {
          const worker = workers[late.length % workers.length];
          const attempt = () => worker?.(mine.id, ({ sync: its }) => its(named));
          await attempt()?.catch(attempt);
        };
        const change = await booked(async () => {
          for (const { status: now, move, twice } of steps) {
            const balance_transactions = [...said.balance_transactions, ...(move === null ? [] : [moved(move)])];
            said = { ...said, status: now, balance_transactions };
            say(said);
            late.push(patiently(), ...(twice ? [patiently()] : []));
            await new Promise((resume) => setTimeout(resume, Math.random() * 20));
          }
          await Promise.all(late);
        });
        const withheld = said.balance_transactions.reduce((sum, { amount }) => sum - amount, 0);
        const dispute = await find(said);
        expect([dispute.status, dispute.withheld.amount]).toEqual([said.status, withheld]);
        const [held, gone] = said.status === "lost" ? [0, withheld] : [withheld, 0];
        const { disputes: kept = 0, dispute_losses: losses = 0, "processor:stripe": away = 0 } = change;
        expect([kept, losses, away]).toEqual([held, gone, 0 - withheld]);
        const told = await events(dispute.id);
        expect(told.filter(([type]) => type === "dispute.opened")).toHaveLength(1);
        expect(told.at(-1)?.[1]).toBe(said.status);
      }),
      { numRuns: size.disputeRuns },
    );
  });
});

describe("whose it is", () => {
  const strange = async ({ id }: Said, tenant = mine): Promise<Body[]> =>
    (await tenant.get("/v1/admin/incidents?kind=dispute.unknown_payment")).data.filter(
      ({ reference }: Body) => reference === id,
    );

  test("a payment that we did not make: an incident, once, and no row", async () => {
    const paid = await paidAtStripe(admin, mine);
    const said = newSaid(paid, { payment_intent: "pi_unknown" });
    say(said);
    const elsewhere = { ...paid, paymentIntent: "pi_unknown" };
    await sync(elsewhere, said);
    await sync(elsewhere, said);
    expect(stripe.asked).toEqual([]);
    const [incident, ...more] = await strange(said);
    expect([incident.data, more]).toEqual([{ account: paid.account, paymentIntent: "pi_unknown" }, []]);
    // An event that names one of our payments, about a dispute that is not of it.
    await sync(paid, said);
    expect(await find(said)).toBeUndefined();
  });

  test("an account that is not the payment's, and another tenant's payment, are not asked", async () => {
    const paid = await paidAtStripe(admin, mine);
    const said = newSaid(paid);
    say(said);
    await sync({ ...paid, account: "acct_other" }, said);
    await sync(paid, said, theirs);
    expect(stripe.asked).toEqual([]);
    expect([await find(said), (await strange(said)).length, (await strange(said, theirs)).length]).toEqual([
      undefined,
      1,
      1,
    ]);
    expect((await theirs.get("/v1/admin/disputes")).data).toEqual([]);
    // Once it is known after all, nobody has to look any more.
    await sync(paid, said);
    expect((await strange(said))[0].status).toBe("resolved");
    const { id } = await find(said);
    expect((await theirs.call("GET", `/v1/admin/disputes/${id}`)).status).toBe(404);
  });
});

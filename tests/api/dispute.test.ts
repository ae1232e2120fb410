import { randomUUID } from "node:crypto";
import Stripe from "stripe";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { settle } from "../messages/system.js";
import { type Body, eventually, newTenant, type Tenant } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { byCard, cartOf, confirm, connect, orderWhen, StripeSide } from "../support/stripe.js";

/** From the purchase to the end of the dispute about it, by what Stripe tells. */

const host = ownHost();
let stripe: StripeSide;
let tenant: Tenant;
let other: Tenant;
let account: string;

beforeAll(async () => {
  stripe = new StripeSide(host().stripe?.url ?? "");
  [tenant, other] = await Promise.all([newTenant({}, host().url), newTenant({}, host().url)]);
  account = await connect(tenant, stripe);
  await connect(other, stripe);
}, 60_000);
beforeEach(() => stripe.chaos({ webhooks: { duplicate: 0, reorder: 0, delayMs: 0, drop: 0, lose: 0, hold: false } }));

/** An order of 100.00 that is paid by card. */
async function buy() {
  const { cart } = await cartOf(tenant);
  const { body } = await cart.complete(undefined, byCard);
  const { id: intent } = await confirm(stripe, body.payment);
  const order = await orderWhen(tenant, body.order.id, ({ paymentStatus }) => paymentStatus === "captured");
  const charges = await stripe.see(`objects?type=charge&account=${account}`);
  const charge: Body = charges.find(({ payment_intent }: Body) => payment_intent === intent);
  return { order, charge: charge.id as string };
}
const dispute = (charge: string): Promise<Body> =>
  stripe.act("open_dispute", { account, charge, reason: "product_not_received" });
const close = (id: string, status: "won" | "lost") => stripe.act("close_dispute", { account, dispute: id, status });
const disputes = async (who = tenant): Promise<Body[]> => (await who.get("/v1/admin/disputes")).data;
const when = (reference: string, ready: (dispute: Body) => boolean) =>
  eventually(async () => (await disputes()).find((one) => one.reference === reference && ready(one)), 20_000);

/** What the accounts come to in one tenant's books, when nothing is under way; in all they come to nothing. */
async function balances(): Promise<Record<string, number>> {
  await settle(host());
  const { data } = await tenant.get("/v1/admin/ledger/accounts?currency=EUR");
  expect(data.reduce((sum: number, { balance }: Body) => sum + balance.amount, 0)).toBe(0);
  return Object.fromEntries(data.map(({ account: name, balance }: Body) => [name, balance.amount]));
}
async function booked(run: () => Promise<unknown>) {
  const before = await balances();
  await run();
  const changes = Object.entries(await balances()).map(([name, sum]) => [name, sum - (before[name] ?? 0)]);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}
const happened = async (disputeId: string): Promise<string[]> =>
  (await tenant.get("/v1/admin/events?limit=100")).data
    .filter(({ data }: Body) => data.disputeId === disputeId)
    .map(({ type }: Body) => type)
    .reverse();
const once = (types: string[], type: string) => expect(types.filter((one) => one === type)).toHaveLength(1);

describe("a dispute", () => {
  test("is opened with its deadline, takes the money, and is lost", { timeout: 90_000 }, async () => {
    const { order, charge } = await buy();
    const { id: reference, evidence_details } = await dispute(charge);
    const opened = await when(reference, ({ withheld }) => withheld.amount > 0);
    expect(opened).toMatchObject({
      orderId: order.id,
      paymentId: order.payments[0].id,
      status: "needs_response",
      reason: "product_not_received",
      amount: { amount: 10_000, currency: "EUR" },
      withheld: { amount: 10_000, currency: "EUR" },
      closedAt: null,
    });
    expect(Date.parse(opened.evidenceDueAt)).toBe(evidence_details.due_by * 1_000);
    expect(await balances()).toMatchObject({ disputes: 10_000, processor_fees: 2_000, receivable: 0 });
    expect(await booked(() => close(reference, "lost"))).toEqual({ disputes: -10_000, dispute_losses: 10_000 });
    expect(await when(reference, ({ status }) => status === "lost")).toMatchObject({
      closedAt: expect.any(String),
      withheld: { amount: 10_000 },
    });
    const types = await happened(opened.id);
    once(types, "dispute.opened");
    expect(types.at(-1)).toBe("dispute.closed");
    const { timeline } = await tenant.get(`/v1/admin/orders/${order.id}`);
    const entries = timeline.map(({ type }: Body) => type).filter((type: string) => type.startsWith("dispute"));
    expect(entries).toEqual(["dispute_lost", "dispute_funds_withdrawn", "dispute_opened"]);
  });

  test("that is won leaves the books as they were, though its events come twice and in any order", {
    timeout: 90_000,
  }, async () => {
    const { charge } = await buy();
    await stripe.chaos({ webhooks: { duplicate: 3, reorder: 4, delayMs: 300 } });
    let reference = "";
    const change = await booked(async () => {
      ({ id: reference } = await dispute(charge));
      await close(reference, "won");
      await when(reference, ({ status, withheld }) => status === "won" && withheld.amount === 0);
    });
    expect(change).toEqual({});
    const { id, closedAt } = await when(reference, () => true);
    expect(closedAt).not.toBeNull();
    const types = await happened(id);
    once(types, "dispute.opened");
    once(types, "dispute.closed");
    const kinds = (await tenant.get("/v1/admin/ledger/transactions?account=disputes")).data;
    expect(kinds.filter(({ kind }: Body) => kind === "dispute.funds").length).toBeGreaterThan(2);
  });
});

test("a payment that the merchant took elsewhere: an incident, and no row", { timeout: 60_000 }, async () => {
  const { STRIPE_SECRET_KEY: key = "" } = host().env("jobs");
  const { hostname, port } = new URL(stripe.url);
  const sdk = new Stripe(key, { host: hostname, port, protocol: "http" });
  const { latest_charge } = await sdk.paymentIntents.create(
    {
      amount: 500,
      currency: "eur",
      payment_method: "pm_card_visa",
      confirm: true,
      return_url: "https://shop.example/",
    },
    { stripeAccount: account, idempotencyKey: randomUUID() },
  );
  const { id: reference } = await dispute(String(latest_charge));
  const incidents = (who: Tenant) => who.get("/v1/admin/incidents?kind=dispute.unknown_payment");
  const [incident] = await eventually(async () => {
    const { data } = await incidents(tenant);
    return data.length > 0 && data;
  }, 20_000);
  await settle(host());
  expect(incident).toMatchObject({ reference, status: "open", data: { account } });
  expect((await incidents(tenant)).data).toHaveLength(1);
  expect((await disputes()).find((one) => one.reference === reference)).toBeUndefined();
  expect([await disputes(other), (await incidents(other)).data]).toEqual([[], []]);
});

import { describe, expect, test } from "vitest";
import { disputeFactKinds } from "../../core/dispute/fact.js";
import type { EventType } from "../../core/kernel/event/index.js";
import { OrderCancelled } from "../../core/order/index.js";
import { paymentFactKinds } from "../../core/payment/fact.js";
import type { Body } from "../support/client.js";
import { paymentSuite } from "../support/payment-suite.js";
import { byCard, onPage } from "../support/stripe.js";
import { Till } from "../support/till.js";

/** Each kind of fact in the code's own lists leaves its traces: version, entry, event, attention. */
const allKinds = { ...paymentFactKinds, ...disputeFactKinds, cancelled: { event: OrderCancelled } };
type Kind = keyof typeof allKinds;
const kinds: Record<Kind, { event: EventType; raises?: string }> = allKinds;

const till = paymentSuite({ timeout: 240_000 });
const seen = new Set<string>();

const count = ({ timeline }: Body, type: string) => timeline.filter((one: Body) => one.type === type).length;

/** Something happens, and facts of these kinds are told of it. */
async function happens(at: Till, orderId: string, types: Kind[], act: () => Promise<unknown>, isAnswered = false) {
  await at.rest();
  const before = await at.order(orderId);
  await act();
  const after = await at.when(orderId, (order) => types.every((type) => count(order, type) > count(before, type)));
  expect([types, after.version > before.version]).toEqual([types, true]);
  const stale = { headers: { "if-match": `"${before.version}"` }, body: {} };
  expect((await at.tenant.call("POST", `/v1/admin/orders/${orderId}/review`, stale)).status).toBe(412);
  for (const type of types) {
    seen.add(type);
    const { data, actor } = after.timeline.find((one: Body) => one.type === type);
    expect([type, data.amount, actor.type]).toEqual([
      type,
      { amount: expect.any(Number), currency: "EUR" },
      expect.any(String),
    ]);
    const { event, raises } = kinds[type];
    const told = (await at.tenant.get(`/v1/admin/events?limit=100&type=${event.type}`)).data;
    expect([type, told.some((one: Body) => one.data.orderId === orderId)]).toEqual([type, true]);
    const codes = after.concerns.map(({ code }: Body) => code);
    if (raises) expect([type, codes.includes(raises)]).toEqual([type, !isAnswered]);
  }
  return after;
}

const refundAtStripe = (intent: string, amount: number) =>
  till.dashboard.refunds.create(
    { payment_intent: intent, amount },
    { ...till.at, idempotencyKey: crypto.randomUUID() },
  );
const declined = () => undefined;

test("a card that is declined, asked for authentication, and pays", async () => {
  const { orderId, payment } = await till.buy();
  const tell = (types: Kind[], act: () => Promise<unknown>) => happens(till, orderId, types, act);
  await tell(["payment_failed"], () => till.pay(payment, "pm_card_chargeDeclined").catch(declined));
  await tell(["payments_declined"], async () => {
    for (let more = 4; more > 0; more -= 1) await till.pay(payment, "pm_card_chargeDeclined").catch(declined);
  });
  await tell(["payment_action_required"], () => till.pay(payment, "pm_card_threeDSecure2Required"));
  await tell(["placed", "payment_authorized", "payment_captured"], async () =>
    till.stripe.authenticate(till.intentOf(orderId).id, "complete", till.account),
  );
});

test("refunds at the provider: each of them, one that fails later, and one that makes up for it", async () => {
  const { orderId, intent } = await till.sell();
  await till.when(orderId, ({ paymentStatus }) => paymentStatus === "captured");
  const tell = (types: Kind[], act: () => Promise<unknown>) => happens(till, orderId, types, act);
  const first = await tell(["payment_refunded"], () => refundAtStripe(intent.id, 700));
  expect(first.timeline[0].actor).toEqual({ type: "provider", provider: "stripe" });
  const second = await tell(["payment_refunded"], () => refundAtStripe(intent.id, 800));
  expect(second.timeline[0].data.amount.amount).toBe(800);
  const asked = await tell(["payment_refunded"], () => till.ask("refunds", orderId, { amount: 900 }));
  expect(asked.timeline[0].actor.type).toBe("key");
  const [ours] = till.refundsOf(intent.id);
  const failed = await tell(["payment_refund_failed"], async () =>
    till.stripe.failRefund(ours?.id ?? "", till.account),
  );
  expect(failed).toMatchObject({ attention: "refund_failed", payments: [{ refunded: { amount: 1_500 } }] });
  expect(failed.payments[0].operations.at(-1)).toMatchObject({ kind: "refund", status: "failed" });
  const again = await tell(["payment_refunded"], () => till.ask("refunds", orderId, { amount: 900 }));
  expect([again.attention, again.payments[0].refunded.amount]).toEqual([null, 2_400]);
});

test("another attempt, a debit, and money that cannot count for its order", async () => {
  const { orderId, variantId, cart, payment } = await till.buy(onPage);
  await happens(till, orderId, ["payment_attempted"], () =>
    cart.shop.call("POST", `/v1/store/orders/${orderId}/payments`, {
      body: byCard.payment,
      headers: { "idempotency-key": crypto.randomUUID() },
    }),
  );
  const debit = await till.sepa("DE89370400440532013000");
  const live = (await till.order(orderId)).payments.find(({ status }: Body) => status !== "voided");
  await happens(till, orderId, ["payment_processing"], () =>
    till.dashboard.paymentIntents.confirm(
      live.reference,
      {
        payment_method: debit,
        return_url: "https://shop.example/thanks",
        mandate_data: { customer_acceptance: { type: "offline" } },
      },
      till.at,
    ),
  );
  await till.query(`update reservation set expires_at = now() - interval '1 second' where tenant_id = $1`);
  await till.sweep();
  await till.tenant.post("/v1/admin/inventory/adjustments", {
    adjustments: [{ variantId, set: 0 }],
    reason: "damaged",
  });
  const back = await happens(till, orderId, ["payment_returned"], async () =>
    till.stripe.settleDebit(live.reference, till.account),
  );
  expect([back.status, back.attention, payment.status]).toEqual(["cancelled", "money_returned", "pending"]);
  await till.host.clock.advance(120_000);
});

test("a sale that the staff cancels", async () => {
  const { orderId } = await till.sell();
  await till.when(orderId, ({ paymentStatus }) => paymentStatus === "captured");
  const after = await happens(till, orderId, ["cancelled", "payment_returned", "payment_refunded"], () =>
    till.tenant.call("POST", `/v1/admin/orders/${orderId}/cancel`, {
      body: {},
      headers: { "idempotency-key": crypto.randomUUID() },
    }),
  );
  expect(after).toMatchObject({ attention: null, concerns: [], status: "cancelled", paymentStatus: "refunded" });
});

test("a page that nobody pays on", async () => {
  const { orderId } = await till.buy(onPage);
  await happens(till, orderId, ["payment_expired"], async () => {
    const [row] = await till.query(
      "select session from payment where tenant_id = $1 and session is not null order by id desc limit 1",
    );
    await till.dashboard.checkout.sessions.expire(row?.session, {}, till.at);
  });
});

describe("where the staff captures", () => {
  const opened = async () => Till.open(till.host, { capture: "manual" });

  test("a partial capture, a void, an authorization that is lost, and what the provider refuses", async () => {
    const at = await opened();
    const [part, voided, lost] = [await at.sell(), await at.sell(), await at.sell()];
    const [taken, gone] = [await at.sell(), await at.sell()];
    const captured = await happens(at, part.orderId, ["payment_captured"], () =>
      at.ask("capture", part.orderId, { amount: 3_000 }),
    );
    expect(captured.timeline[0]).toMatchObject({ data: { amount: { amount: 3_000 } }, actor: { type: "key" } });
    await happens(at, voided.orderId, ["payment_voided"], () => at.ask("void", voided.orderId, undefined));
    const flagged = await happens(at, lost.orderId, ["payment_lost", "payment_voided"], () =>
      at.dashboard.paymentIntents.cancel(lost.intent.id, {}, at.at),
    );
    expect(flagged.attention).toBe("payment_lost");
    await at.rest();
    await at.side.chaos({ webhooks: { hold: true } });
    await at.dashboard.paymentIntents.capture(taken.intent.id, {}, at.at);
    await happens(at, taken.orderId, ["void_failed"], () => at.ask("void", taken.orderId, undefined), true);
    await at.dashboard.paymentIntents.cancel(gone.intent.id, {}, at.at);
    await happens(at, gone.orderId, ["capture_failed"], () => at.ask("capture", gone.orderId, {}), true);
  });
});

describe("a dispute", () => {
  const openAt = (intent: Body) => till.stripe.openDispute(String(intent.latest_charge), till.account);
  const change = (dispute: string, more: object) =>
    till.side.act("change_dispute", { dispute, account: till.account, ...more });

  test("that is answered and won", async () => {
    const { orderId, intent } = await till.sell();
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "captured");
    let id = "";
    const tell = (types: Kind[], act: () => Promise<unknown>, isAnswered?: boolean) =>
      happens(till, orderId, types, act, isAnswered);
    await tell(["dispute_opened", "dispute_funds_withdrawn"], async () => {
      ({ id } = openAt(intent));
    });
    await tell(["refund_failed"], () => till.ask("refunds", orderId, {}), true);
    await tell(["dispute_updated"], () => change(id, { due_by: Math.floor(Date.now() / 1_000) + 20 * 86_400 }));
    const answered = await tell(["dispute_answered"], () => change(id, { status: "under_review" }));
    expect(answered.attention).toBeNull();
    await tell(["dispute_won", "dispute_funds_reinstated"], async () =>
      till.stripe.closeDispute(id, "won", till.account),
    );
  });

  test("that is lost, goes on, and is withdrawn", async () => {
    const { orderId, intent } = await till.sell();
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "captured");
    const { id } = openAt(intent);
    await till.when(orderId, (order) => count(order, "dispute_funds_withdrawn") > 0);
    const tell = (types: Kind[], act: () => Promise<unknown>) => happens(till, orderId, types, act);
    await tell(["dispute_lost"], async () => till.stripe.closeDispute(id, "lost", till.account));
    await tell(["dispute_reopened"], () => change(id, { status: "needs_response" }));
    await tell(["dispute_closed"], () => change(id, { status: "warning_closed" }));
  });
});

test("every kind of fact has left its traces", () => {
  expect([...seen].sort()).toEqual(Object.keys(kinds).sort());
});

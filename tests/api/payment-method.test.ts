import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import {
  type Answer,
  type Body,
  type Cart,
  call,
  eventually,
  ifMatch,
  newTenant,
  type Tenant,
} from "../support/client.js";
import { administrator } from "../support/database.js";
import { faults, outcome } from "../support/outcome.js";
import { byCard, cartOf, connect, orderWhen, StripeSide } from "../support/stripe.js";

const path = "/v1/admin/payment-methods";
const admin = administrator();
const unchosen = { methods: null, channels: [], limits: {} };
const defaults = {
  perAddress: 10,
  perEmail: 5,
  perTenant: 500,
  cartsPerAddress: 200,
  cartsPerTenant: 100_000,
  holdShare: 50,
};
let carded: Tenant;
let trial: Tenant;

beforeAll(async () => {
  [carded, trial] = await Promise.all([newTenant(), newTenant()]);
  for (const tenant of [carded, trial]) await tenant.put(path, unchosen);
  await connect(carded, new StripeSide(inject("system").stripeUrl));
}, 60_000);

const byHand = { payment: { provider: "manual" } };
const complete = async (tenant: Tenant, body: object) => (await cartOf(tenant)).cart.complete(undefined, body);
const offered = async ({ shop }: Tenant, query = "") =>
  (await shop.get(`/v1/store/payment-methods${query}`)).data.map(({ provider }: Body) => provider);
const act = (tenant: Tenant, id: string, what: string, body?: object, headers = {}): Promise<Answer> =>
  tenant.call("POST", `/v1/admin/orders/${id}/${what}`, {
    body,
    headers: { "idempotency-key": randomUUID(), ...headers },
  });

describe("the ways to pay that a shop offers", () => {
  test("are the card, where nothing was chosen and there is an account; by hand is not for a stranger to choose", async () => {
    expect(await offered(carded)).toEqual(["stripe"]);
    const refused = await complete(carded, byHand);
    expect([outcome(refused), refused.body.offered]).toEqual(["409 payment.method_not_offered", ["stripe"]]);
    const { body } = await complete(carded, {});
    expect(body).toMatchObject({
      order: { status: "pending" },
      payment: { action: { type: "confirm_payment_intent" } },
    });
    expect((await carded.owner.get("/v1/billing/usage")).entitlements).toContainEqual(
      expect.objectContaining({ entitlement: "ordersPerMonth", current: 0 }),
    );
  });

  test("are by hand, where there is no account", async () => {
    expect(await trial.shop.get("/v1/store/payment-methods")).toEqual({
      data: [{ provider: "manual", awaitsAcceptance: true }],
    });
    expect(outcome(await complete(trial, byCard))).toBe("409 payment.method_not_offered");
  });

  test("are read and replaced as a whole, with their version; a channel may have its own", async () => {
    const tenant = await newTenant();
    const [{ id: channelId }] = (await tenant.get("/v1/admin/channels")).data;
    const before = await tenant.get(path);
    const own = { methods: [{ provider: "stripe" }], channels: [{ channelId, methods: [{ provider: "manual" }] }] };
    const stale = await tenant.call("PUT", path, { body: own, headers: ifMatch(before.version - 1) });
    expect([outcome(stale), stale.body.currentVersion]).toEqual(["412 version_stale", before.version]);
    const made = await tenant.put(path, { ...own, limits: { perEmail: 7 } }, ifMatch(before.version));
    expect(made).toEqual({
      ...own,
      limits: { ...defaults, perEmail: 7 },
      offered: [{ provider: "stripe" }],
      version: before.version + 1,
    });
    expect(await tenant.get(path)).toEqual(made);
    expect(await offered(tenant)).toEqual(["manual"]);
    expect(outcome(await complete(tenant, byCard))).toBe("409 payment.method_not_offered");
    expect(outcome(await tenant.shop.call("GET", "/v1/store/payment-methods?channel=none"))).toBe(
      "404 channel.not_found",
    );
  });

  test("of two writers who have read the same, one is refused, also when nothing was chosen before", async () => {
    const tenant = await newTenant();
    await admin.query("delete from payment_setting where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);
    for (const round of [0, 1]) {
      const { version } = await tenant.get(path);
      expect(version).toBe(round);
      const write = () => tenant.call("PUT", path, { body: unchosen, headers: ifMatch(version) });
      const answers = (await Promise.all([write(), write()])).map(outcome);
      expect(answers.toSorted()).toEqual(["200", "412 version_stale"]);
    }
  });

  test("name providers that there are, once, with options that they have", async () => {
    const put = (body: object) => trial.call("PUT", path, { body: { ...unchosen, ...body } });
    const refusals = [
      await put({ methods: [{ provider: "cash" }] }),
      await put({ methods: [{ provider: "manual" }, { provider: "manual" }] }),
      await put({ methods: [{ provider: "stripe", acceptance: "automatic" }] }),
      await put({ channels: [{ channelId: newTypeId("chn"), methods: [] }] }),
      await put({ limits: { perEmail: 0 } }),
    ];
    expect(refusals.map(faults)).toEqual([
      "422 invalid_request /methods/0/provider",
      "422 invalid_request /methods/1/provider",
      "422 invalid_request /methods/0/acceptance",
      "422 invalid_request /channels/0/channelId",
      "422 invalid_request /limits/perEmail",
    ]);
  });

  test("may be none", async () => {
    const tenant = await newTenant();
    await tenant.put(path, { methods: [] });
    const refused = await complete(tenant, {});
    expect([outcome(refused), refused.body.offered]).toEqual(["409 payment.method_not_offered", []]);
  });
});

describe("an order by hand that the staff has not accepted", () => {
  /** All that an order is counted in. */
  async function counted(tenant: Tenant, orderId: string) {
    const { entitlements } = await tenant.owner.get("/v1/billing/usage");
    const transactions = await tenant.get(`/v1/admin/ledger/transactions?reference=${orderId}`);
    const { data: sales } = await tenant.get("/v1/admin/reports/sales");
    const { data: placed } = await tenant.get("/v1/admin/events?type=order.placed&limit=100");
    return {
      month: entitlements.find(({ entitlement }: Body) => entitlement === "ordersPerMonth").current,
      ledger: transactions.data.length,
      sales: sales.reduce((sum: number, { orders }: Body) => sum + orders, 0),
      placed: placed.filter(({ data }: Body) => data.orderId === orderId).length,
      mails: (await tenant.get(`/v1/admin/orders/${orderId}`)).timeline.filter(
        ({ type }: Body) => type === "confirmation_sent",
      ).length,
    };
  }
  const nothing = { month: 0, ledger: 0, sales: 0, placed: 0, mails: 0 };
  const level = async (variantId: string) =>
    (await trial.get(`/v1/admin/inventory?variantId=${variantId}`)).data[0] as Body;
  async function place(): Promise<{ id: string; variantId: string; cart: Cart; body: Body }> {
    const { cart, variantId } = await cartOf(trial);
    const { body } = await cart.complete(undefined, {});
    return { id: body.order.id, variantId, cart, body };
  }

  test("holds its goods, and counts for nothing; accepted, it counts once", async () => {
    const { id, variantId, cart, body } = await place();
    expect(body).toMatchObject({
      order: { status: "pending", paymentStatus: "pending" },
      payment: { status: "pending", action: { type: "await_acceptance" } },
    });
    expect((await cart.complete(undefined, {})).body).toEqual(body);
    expect(await level(variantId)).toMatchObject({ onHand: 1, reserved: 1 });
    expect(await counted(trial, id)).toEqual(nothing);
    const accepted = await Promise.all([act(trial, id, "accept"), act(trial, id, "accept")]);
    for (const answer of accepted)
      expect([answer.status, answer.body]).toMatchObject([200, { status: "open", paymentStatus: "pending" }]);
    expect(await level(variantId)).toMatchObject({ onHand: 0, reserved: 0 });
    await eventually(async () => (await counted(trial, id)).mails === 1, 30_000);
    await eventually(async () => (await counted(trial, id)).ledger === 1, 30_000);
    expect(await counted(trial, id)).toMatchObject({ month: 1, placed: 1, ledger: 1 });
    const { timeline } = await trial.get(`/v1/admin/orders/${id}`);
    expect(
      timeline
        .map(({ type }: Body) => type)
        .toReversed()
        .slice(0, 3),
    ).toEqual(["payment_awaited", "accepted", "placed"]);
    expect((await act(trial, id, "capture", {})).body.paymentStatus).toBe("captured");
  });

  test("is accepted by whoever takes its money, and declined by a void", async () => {
    const [paid, declined] = [await place(), await place()];
    expect(outcome(await act(trial, paid.id, "capture", {}, ifMatch(7)))).toBe("412 version_stale");
    const captured = await act(trial, paid.id, "capture", {}, ifMatch(1));
    expect([captured.status, captured.body]).toMatchObject([200, { status: "open", paymentStatus: "captured" }]);
    const ended = await act(trial, declined.id, "void");
    expect([ended.status, ended.body]).toMatchObject([200, { status: "cancelled", cancelReason: "declined" }]);
    expect(await level(declined.variantId)).toMatchObject({ onHand: 1, reserved: 0 });
    const late = [await act(trial, declined.id, "accept"), await act(trial, declined.id, "capture", {})];
    expect(late.map(outcome)).toEqual(["409 order.not_acceptable", "409 order.cancelled"]);
  });

  test("accepted and declined at once ends in one of the two", async () => {
    const { id, variantId } = await place();
    const answers = await Promise.all([act(trial, id, "accept"), act(trial, id, "void")]);
    const { status, paymentStatus } = await trial.get(`/v1/admin/orders/${id}`);
    const { onHand, reserved } = await level(variantId);
    expect(answers.every(({ status: code }) => code < 500)).toBe(true);
    expect([
      ["open", "pending", 0, 0], // accepted, and too late to be declined
      ["open", "voided", 0, 0], // accepted, and then its payment was given up
      ["cancelled", "voided", 1, 0],
    ]).toContainEqual([status, paymentStatus, onHand, reserved]);
  });

  test("ends by itself when its time is over", async () => {
    const { id, variantId } = await place();
    await admin.query("update payment set expires_at = now() where order_id = $1", [typeIdToUuid("ord", id)]);
    await call("POST", `${trial.url}/_local/schedules/sweep`);
    await orderWhen(trial, id, ({ status }) => status === "cancelled", 60_000);
    expect(await level(variantId)).toMatchObject({ onHand: 1, reserved: 0 });
  });

  test("is not made where the plan has no room", async () => {
    await admin.query("update usage set value = 5000 where tenant_id = $1 and metric = 'ordersPerMonth'", [
      typeIdToUuid("ten", trial.id),
    ]);
    expect(outcome(await complete(trial, {}))).toBe("403 checkout.closed");
    await admin.query("update usage set value = 4999 where tenant_id = $1 and metric = 'ordersPerMonth'", [
      typeIdToUuid("ten", trial.id),
    ]);
    const [one, other] = [await place(), await place()];
    expect((await act(trial, one.id, "accept")).status).toBe(200);
    expect(outcome(await act(trial, other.id, "accept"))).toBe("403 entitlement_required");
    expect((await trial.get(`/v1/admin/orders/${other.id}`)).status).toBe("pending");
  });
});

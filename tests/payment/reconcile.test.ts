import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, eventually, newTenant, type Tenant } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { byCard, cartOf, confirm, connect, orderWhen, StripeSide } from "../support/stripe.js";

vi.setConfig({ testTimeout: 90_000 });
const host = ownHost({ schedules: false });
let tenant: Tenant;
let stripe: StripeSide;
let account: string;

beforeAll(async () => {
  stripe = new StripeSide(host().stripe?.url ?? "");
  tenant = await newTenant({}, host().url);
  account = await connect(tenant, stripe);
});

/** What Stripe has sent from now on is lost, and Stripe thinks that it came. */
const deaf = (lose: boolean) => stripe.chaos({ webhooks: { lose: lose ? 1 : 0 } });
const merchant = () => stripe.merchant(host().env("api").STRIPE_SECRET_KEY ?? "");
const at = () => ({ stripeAccount: account, idempotencyKey: randomUUID() });

/** An hour goes by, and the sweep has the account compared; what differed is read anew. */
async function reconcile() {
  const { admin } = host();
  const tenantId = typeIdToUuid("ten", tenant.id);
  await admin.query("delete from job where tenant_id = $1 and name = 'payment.reconcile'", [tenantId]);
  await admin.query("update payment_account set reconciled_at = now() - interval '70 minutes' where tenant_id = $1", [
    tenantId,
  ]);
  await host().runSchedule("sweep");
  await host().runSchedule("relay");
  await eventually(async () => {
    await host().runSchedule("relay");
    const [row] = await admin.query(
      "select count(*)::int as left from job where tenant_id = $1 and status in ('queued', 'running') and due_at <= now()",
      [tenantId],
    );
    return row?.left === 0;
  }, 60_000);
}

async function pending(): Promise<Body> {
  const { cart } = await cartOf(tenant);
  const { status, body } = await cart.complete(undefined, byCard);
  expect(status).toBe(200);
  return body;
}
const admin = (id: string) => tenant.get(`/v1/admin/orders/${id}`);

describe("one pass over the provider's lists", () => {
  test("finds a payment, a refund and a dispute that no webhook told of", async () => {
    await deaf(true);
    const { order, payment } = await pending();
    const intent = await confirm(stripe, payment);
    expect((await admin(order.id)).status).toBe("pending");
    await reconcile();
    await orderWhen(tenant, order.id, ({ paymentStatus }) => paymentStatus === "captured");

    await merchant().refunds.create({ payment_intent: intent.id, amount: 1_000 }, at());
    expect((await admin(order.id)).paymentStatus).toBe("captured");
    await reconcile();
    const refunded = await orderWhen(tenant, order.id, ({ paymentStatus }) => paymentStatus === "partially_refunded");
    expect(refunded.payments[0].refunded.amount).toBe(1_000);

    const charge = (await merchant().paymentIntents.retrieve(intent.id, {}, { stripeAccount: account })).latest_charge;
    await stripe.act("open_dispute", { charge, account });
    await reconcile();
    const { data } = await tenant.get("/v1/admin/disputes");
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ orderId: order.id });
    const { data: incidents } = await tenant.get("/v1/admin/incidents");
    expect(incidents).toEqual([]);
    await deaf(false);
  });

  test("does nothing to what is known, and nothing twice", async () => {
    const { order, payment } = await pending();
    await confirm(stripe, payment);
    // The last entry of its timeline is that of the confirmation mail.
    const isAtRest = ({ paymentStatus, timeline }: Body) =>
      paymentStatus === "captured" && timeline.some(({ type }: Body) => type === "confirmation_sent");
    const before = await eventually(async () => {
      await host().runSchedule("relay");
      const known = await admin(order.id);
      return isAtRest(known) && known;
    }, 60_000);
    await reconcile();
    await reconcile();
    expect(await admin(order.id)).toEqual(before);
  });

  test("money for an attempt that we do not have opens an incident; what the merchant sold elsewhere is none of ours", async () => {
    const sold = { amount: 5_000, currency: "eur", payment_method: "pm_card_visa", confirm: true };
    const automatic = { automatic_payment_methods: { enabled: true, allow_redirects: "never" as const } };
    await merchant().paymentIntents.create({ ...sold, ...automatic }, at());
    const metadata = { stoa_payment: "pay_00000000000000000000000000" };
    const stray = await merchant().paymentIntents.create({ ...sold, ...automatic, metadata }, at());
    await reconcile();
    const { data } = await tenant.get("/v1/admin/incidents");
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ kind: "payment.unknown", reference: stray.id, status: "open" });
    await reconcile();
    expect((await tenant.get("/v1/admin/incidents")).data).toHaveLength(1);
  });
});

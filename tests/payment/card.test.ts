import { beforeAll, describe, expect, test } from "vitest";
import { newTenant, type Tenant } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { byCard, cartOf, confirm, connect, orderWhen, StripeSide } from "../support/stripe.js";

const host = ownHost();
let tenant: Tenant;
let stripe: StripeSide;
beforeAll(async () => {
  stripe = new StripeSide(host().stripe?.url ?? "");
  tenant = await newTenant({}, host().url);
  await connect(tenant, stripe);
});

describe("a payment by card", () => {
  test("the order waits, is authorised, stands, and is paid", async () => {
    const { cart, variantId } = await cartOf(tenant);
    const { status, body } = await cart.complete(undefined, byCard);
    if (status !== 200) console.log(JSON.stringify(body), JSON.stringify(await stripe.see("requests")).slice(-3000));
    expect(status).toBe(200);
    expect(body.order).toMatchObject({ status: "pending", paymentStatus: "pending" });
    expect(body.payment).toMatchObject({ status: "pending", action: { type: "confirm_payment_intent" } });
    await confirm(stripe, body.payment);
    const order = await orderWhen(tenant, body.order.id, ({ paymentStatus }) => paymentStatus === "captured");
    expect(order.status).toBe("open");
    const [payment] = order.payments;
    expect(payment.events.map(({ type }: { type: string }) => type)).toEqual(["opened", "authorized", "captured"]);
    expect(payment.captured.amount).toBe(10_000);
    const { data } = await tenant.get(`/v1/admin/inventory?variantId=${variantId}`);
    expect(data[0]).toMatchObject({ onHand: 0, reserved: 0 });
    const types = (await tenant.get("/v1/admin/events?limit=50")).data.map(({ type }: { type: string }) => type);
    for (const type of ["order.placed", "order.paid"])
      expect(types.filter((one: string) => one === type)).toHaveLength(1);
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, eventually, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { cartOf } from "../support/stripe.js";

const path = "/v1/admin/mails";
const admin = administrator();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

const orders = new Map<string, Body>();

/** The mail to this address whose subject begins like this, once its fate is known. */
const mailed = (email: string, subject: string): Promise<Body> =>
  eventually(async () => {
    const { data } = await tenant.get(`${path}?limit=100`);
    const mail = data.find((one: Body) => one.recipient === email && one.subject.startsWith(subject));
    return mail && mail.status !== "sending" && mail;
  }, 30_000);

/** The mail of a new order to this address. */
async function mailTo(email: string): Promise<Body> {
  const { cart } = await cartOf(tenant);
  await cart.change({ email });
  orders.set(email, (await cart.complete()).body.order);
  return mailed(email, "Your order");
}

const act = (email: string, what: string, body: object = {}) =>
  tenant.post(`/v1/admin/orders/${orders.get(email)?.id}/${what}`, body);

describe("a mail", () => {
  test("is listed with its text, which begins with no word of the shopper", async () => {
    const mail = await mailTo("ada@example.com");
    expect(mail).toMatchObject({ status: "sent", reason: null });
    expect(mail.text.split("\n")[0]).not.toMatch(/Ada/);
    expect(mail.text).toMatch(/Shipping address:\nAda Lovelace\n/);
    expect((await tenant.get(`${path}?status=suppressed`)).data).toEqual([]);
  });

  test("tells of a refund and of a cancellation, with the order's number and the amount", async () => {
    const email = "ada@example.com";
    const { number, totals } = orders.get(email);
    await act(email, "capture");
    await act(email, "refunds", { amount: 123 });
    const refund = await mailed(email, "Refund");
    expect(refund).toMatchObject({ status: "sent", subject: expect.stringContaining(`order ${number} at Shop`) });
    expect(refund.text).toMatch(new RegExp(`^We have refunded 1\\.23 EUR for your order ${number} at Shop`));
    await act(email, "cancel", { note: "Not for shoppers" });
    const cancelled = await mailed(email, "Cancelled");
    const total = (totals.total.amount / 100).toFixed(2);
    expect(cancelled.text).toMatch(new RegExp(`order ${number} at Shop \\w+ over ${total} EUR is cancelled`));
    expect(refund.text + cancelled.text).not.toMatch(/Ada|Lange|shoppers/);
  });

  test("of test mode goes to members only; any other is kept with the reason", async () => {
    await admin.query("update tenant set livemode = false where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);
    expect(await mailTo("eve@example.com")).toMatchObject({ status: "suppressed", reason: "test_mode" });
    expect(await mailTo(tenant.ownerEmail)).toMatchObject({ status: "sent" });
    for (const [email, status] of [
      ["eve@example.com", "suppressed"],
      [tenant.ownerEmail, "sent"],
    ] as const) {
      await act(email, "capture");
      await act(email, "cancel");
      expect(await mailed(email, "Refund")).toMatchObject({ status });
      expect(await mailed(email, "Cancelled")).toMatchObject({ status });
    }
  });

  test("tells nothing of an order that was never placed", async () => {
    await admin.query("update tenant set livemode = true where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);
    const { methods, limits } = await tenant.owner.get("/v1/admin/payment-methods");
    const byStaff = methods.map((method: Body) => ({ ...method, ...(method.acceptance && { acceptance: "staff" }) }));
    await tenant.owner.put("/v1/admin/payment-methods", { methods: byStaff, limits });
    const { cart } = await cartOf(tenant);
    await cart.change({ email: "mallory@example.com" });
    const { order } = (await cart.complete()).body;
    expect(order.status).toBe("pending");
    await cart.shop.post(`/v1/store/orders/${order.id}/cancel`);
    await eventually(async () => {
      const { data } = await tenant.get("/v1/admin/events?type=order.cancelled");
      return data[0]?.publishedAt && data[0].data.orderId === order.id;
    });
    await tenant.owner.put("/v1/admin/payment-methods", { methods, limits });
    await mailTo("later@example.com");
    const { data } = await tenant.get(`${path}?limit=100`);
    expect(data.filter(({ recipient }: Body) => recipient === "mallory@example.com")).toEqual([]);
  });
});

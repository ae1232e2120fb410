import { describe, expect, test } from "vitest";
import { context, withContext } from "../../core/kernel/actor.js";
import { runAfterCommit } from "../../core/kernel/after-commit.js";
import { db } from "../../core/kernel/db.js";
import { OutcomeUnknown } from "../../core/kernel/error.js";
import { Order } from "../../core/order/index.js";
import { Payment, paymentHandlers } from "../../core/payment/index.js";
import { insertOperations } from "../../core/payment/snapshot.js";
import { lockPayments } from "../../core/payment/state.js";
import { unflagged } from "./known.js";
import { testProvider } from "./test-provider.js";
import { type Sold, testShop } from "./test-shop.js";

const TOTAL = 10_000;
const shop = testShop();
const { sold, bought, within, query, uuidOf } = shop;

const operations = { capture: Payment.capture, refund: Payment.refund, void: Payment.voidAuthorization };
/** The staff's request, up to its commit; the provider is called by the function that it returns. */
const request = (kind: keyof typeof operations, { orderId: id }: Sold, amount?: number, requestKey?: string) =>
  within(async () => {
    const here = { ...context(), ...(requestKey !== undefined && { requestKey }) };
    const rest = await withContext(here, () => operations[kind]({ id, ...(amount !== undefined && { amount }) }));
    return () => withContext(here, async () => runAfterCommit(rest));
  });
const perform = async (...[kind, made, amount]: Parameters<typeof request>) => (await request(kind, made, amount))();
const paymentOf = async (made: Sold) => (await shop.orderOf(made)).payments[0];
const operated = () => testProvider.calls.filter(({ call }) => call === "operate");

describe("the locks of a decision", () => {
  test("are held until it commits: nobody else changes the order or one of its payments", async () => {
    const made = await sold();
    const free = async (table: string) =>
      (
        await query(
          `select 1 from ${table} where tenant_id = $1 and ${table}.id = $2 for update skip locked`,
          idOf(table),
        )
      ).length;
    const idOf = (table: string) => uuidOf(made)[table === "payment" ? "payment" : "order"];
    const both = async () => [await free("payment"), await free('"order"')];
    expect(await both()).toEqual([1, 1]);
    const held = await within(() =>
      db(async () => {
        await lockPayments({ paymentId: made.paymentId });
        return both();
      }),
    );
    expect(held).toEqual([0, 0]);
  });

  test("are missed loudly: the unique key refuses a request that is written a second time", async () => {
    const { orderId, paymentId } = await sold();
    const wanted = { paymentId, kind: "capture" as const, amount: 1, requestKey: `twice ${paymentId}` };
    const insert = () =>
      within(() =>
        db(async (tx) => {
          const state = await lockPayments({ orderId });
          const [made] = state ? await insertOperations(tx, state, [wanted], 60) : [];
          return made?.id;
        }),
      );
    const operationId = await insert();
    await expect(insert()).rejects.toThrow("payment_operation_request");
    await within(() => Payment.performOperation(String(operationId)));
    expect(operated()).toHaveLength(1);
  });

  test("are behind the order's own condition: a cancelled order takes no payment", async () => {
    const { orderId } = await bought();
    const apply = () => within(() => db((tx) => Order.applyPayment(tx, orderId, 1)));
    expect(await apply()).toBeDefined();
    await within(() => db((tx) => Order.cancel(tx, { ...unflagged, id: orderId }, "payment_expired")));
    expect(await apply()).toBeUndefined();
  });
});

describe("a request of the staff", () => {
  test("reserves its amount before the provider is called: no second one can use it", async () => {
    const made = await sold();
    const capture = await request("capture", made, 6_000);
    await expect(request("capture", made, 6_000)).rejects.toMatchObject({
      code: "payment.capture_exceeds",
      extra: { data: { left: 4_000 } },
    });
    await expect(request("void", made)).rejects.toMatchObject({ code: "payment.not_voidable" });
    await capture();
    await expect(request("void", made)).rejects.toMatchObject({ code: "payment.not_voidable" });
    await perform("capture", made, 4_000);
    const refund = await request("refund", made, 7_000);
    await expect(request("refund", made, 4_000)).rejects.toMatchObject({ code: "payment.refund_exceeds" });
    await refund();
    await expect(request("refund", made, 4_000)).rejects.toMatchObject({ code: "payment.refund_exceeds" });
    const { captured, refunded } = await paymentOf(made);
    expect([captured.amount, refunded.amount]).toEqual([TOTAL, 7_000]);
  });

  test("takes no more than there is, and not nothing", async () => {
    const made = await sold();
    await expect(request("capture", made, TOTAL + 1)).rejects.toMatchObject({ code: "payment.capture_exceeds" });
    await expect(request("refund", made)).rejects.toMatchObject({ code: "payment.refund_exceeds" });
    await perform("capture", made, TOTAL);
    await expect(request("capture", made)).rejects.toMatchObject({ code: "payment.capture_exceeds" });
    await expect(request("refund", made, TOTAL + 1)).rejects.toMatchObject({ code: "payment.refund_exceeds" });
  });

  test("captures nothing of a payment that was voided, or of an order that was cancelled", async () => {
    const voided = await sold();
    await perform("void", voided);
    await expect(request("capture", voided)).rejects.toMatchObject({ code: "order.cancelled" });
    const cancelled = await sold();
    await query(`update "order" set status = 'cancelled' where tenant_id = $1 and id = $2`, uuidOf(cancelled).order);
    await expect(request("capture", cancelled)).rejects.toMatchObject({ code: "order.cancelled" });
  });

  test("concerns the payments that count, and no other", async () => {
    const made = await sold();
    await shop.copyAttempt(made);
    const other = "tenant_id = $1 and order_id = $2 and id <> $3";
    const { order, payment } = uuidOf(made);
    await query(`update payment set accepted = false where ${other}`, order, payment);
    await expect(request("capture", made, TOTAL + 1)).rejects.toMatchObject({ extra: { data: { left: TOTAL } } });
    await perform("capture", made);
    expect(operated()).toMatchObject([{ amount: TOTAL }]);
  });

  test("is one request, however often it is sent with its key", async () => {
    const made = await sold();
    const send = () => request("capture", made, 1_000, `key ${made.orderId}`);
    const [first, second] = [await send(), await send()];
    await first();
    await second();
    expect(operated()).toHaveLength(1);
    expect((await paymentOf(made)).captured.amount).toBe(1_000);
  });

  test("says which capture is the last: it voids the rest", async () => {
    const made = await sold();
    await perform("capture", made, 4_000);
    await perform("capture", made, 6_000);
    expect(operated()).toMatchObject([{ final: false }, { final: true }]);
  });

  test("that has ended is not performed again", async () => {
    const made = await sold();
    await perform("capture", made, 4_000);
    const [{ id }] = (await paymentOf(made)).operations;
    await within(() => Payment.performOperation(id));
    expect(operated()).toHaveLength(1);
  });

  test("whose answer is lost stays pending, and keeps its amount", async () => {
    const made = await sold();
    testProvider.meanwhile = async (call) => {
      if (call === "operate") throw new OutcomeUnknown("lost");
    };
    await perform("capture", made, 6_000);
    await expect(request("capture", made, 6_000)).rejects.toMatchObject({ code: "payment.capture_exceeds" });
    const [{ id, status }] = (await paymentOf(made)).operations;
    expect(status).toBe("pending");
    testProvider.meanwhile = async () => undefined;
    await within(() => Payment.performOperation(id));
    expect((await paymentOf(made)).captured.amount).toBe(6_000);
  });
});

test("an event of another account says nothing of a payment", async () => {
  const made = await sold();
  const [handler] = paymentHandlers;
  const event = {
    id: "evt_1",
    type: "payment_intent.succeeded",
    endpoint: "connect",
    livemode: false,
    created: 0,
  } as const;
  const objectId = `pi_${uuidOf(made).payment}`;
  const hear = (account: string) => within(async () => handler?.run({ ...event, account, objectId, related: {} }));
  await hear("acct_other");
  expect(testProvider.calls).toEqual([]);
  testProvider.reported = { status: "authorized", authorized: TOTAL, reference: objectId };
  await hear("acct_test");
  expect(testProvider.calls).toEqual([{ call: "snapshot" }]);
});

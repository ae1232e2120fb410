import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type pg from "pg";
import { afterAll } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { Cart, newProduct, type Tenant, unique } from "./client.js";

/** A movement in Stripe's books. */
export interface Moved {
  id: string;
  amount: number;
  currency: string;
  fee: number;
}

/** As much of Stripe's dispute as is read. */
export interface Said {
  id: string;
  payment_intent: string | null;
  status: string;
  reason: string;
  amount: number;
  currency: string;
  created: number;
  evidence_details: { due_by: number | null };
  balance_transactions: Moved[];
}

export const moved = (amount: number, fee = 0, currency = "eur"): Moved => ({
  id: unique("txn_"),
  amount,
  currency,
  fee,
});

/** Stripe, as far as disputes are asked of it: each answer says how things stood when it was asked, however late it is. */
export async function disputesAtStripe() {
  const disputes = new Map<string, Said>();
  const asked: { id: string; account: string | undefined; key: string | undefined }[] = [];
  const state = { delay: async () => {} };
  const server = createServer(async (request, response) => {
    const id = request.url?.split("/").at(-1) ?? "";
    const { authorization, "stripe-account": account } = request.headers;
    asked.push({ id, account: account as string | undefined, key: authorization });
    const said = JSON.stringify(
      disputes.get(id) ?? { error: { type: "invalid_request_error", message: "No such dispute" } },
    );
    await state.delay();
    response.writeHead(disputes.has(id) ? 200 : 404, { "content-type": "application/json" }).end(said);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  afterAll(() => server.close());
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, { STRIPE_API_BASE: `http://127.0.0.1:${port}`, STRIPE_SECRET_KEY: "sk_test_disputes" });
  return Object.assign(state, { disputes, asked });
}

async function newOrder(tenant: Tenant): Promise<string> {
  const { variantId } = await newProduct(tenant, { stock: 1 });
  const cart = await (await (await Cart.open(tenant.shop)).add(variantId)).prepare();
  return (await cart.complete()).body.order.id;
}

/** A payment that was made with Stripe, by rows; of an order of its own, or of this one. */
export async function paidAtStripe(
  admin: pg.Pool,
  tenant: Tenant,
  { currency = "EUR", amount = 1_500, order = "" } = {},
) {
  const orderId = order || (await newOrder(tenant));
  const [account, reference, paymentId] = [unique("acct_"), unique("pi_"), newTypeId("pay")];
  const ids = [typeIdToUuid("ten", tenant.id), typeIdToUuid("pay", paymentId), typeIdToUuid("ord", orderId)];
  await admin.query(
    `insert into payment (tenant_id, id, order_id, provider, method, amount, currency, account, livemode, reference,
       authorized, captured, accepted)
     values ($1, $2, $3, 'stripe', 'payment_intent', $4, $5, $6, false, $7, $4, $4, true)`,
    [...ids, amount, currency, account, reference],
  );
  return { orderId, paymentId, account, paymentIntent: reference, amount };
}
export type Paid = Awaited<ReturnType<typeof paidAtStripe>>;

const DAY = 86_400;
export const newSaid = ({ paymentIntent, amount }: Paid, more: Partial<Said> = {}): Said => ({
  id: `du_${randomBytes(8).toString("hex")}`,
  payment_intent: paymentIntent,
  status: "needs_response",
  reason: "product_not_received",
  amount,
  currency: "eur",
  created: Math.floor(Date.now() / 1_000),
  evidence_details: { due_by: Math.floor(Date.now() / 1_000) + 7 * DAY },
  balance_transactions: [],
  ...more,
});

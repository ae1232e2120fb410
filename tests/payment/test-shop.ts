import { beforeAll, beforeEach } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { prepared, tenantUuid } from "../race/race.js";
import { type Body, newProduct, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { asSystem } from "../support/domain.js";
import { testProvider } from "./test-provider.js";

/** An order of 100.00, and its payment at the test's provider. */
export interface Sold {
  orderId: string;
  paymentId: string;
}

/** A tenant whose orders are paid at the test's provider; the domain runs in the test's own process. */
export function testShop() {
  const admin = administrator();
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await newTenant();
  });
  beforeEach(() => testProvider.reset());

  const uuidOf = ({ orderId, paymentId }: Sold) => ({
    order: typeIdToUuid("ord", orderId),
    payment: typeIdToUuid("pay", paymentId),
  });
  const within = <T>(run: () => Promise<T>) => asSystem(tenant.id, run);
  /** Rows behind the walls; `$1` is the tenant. */
  const query = async (text: string, ...values: unknown[]): Promise<Body[]> =>
    (await admin.query(text, [tenantUuid(tenant), ...values])).rows;
  const orderOf = ({ orderId }: Sold): Promise<Body> => tenant.get(`/v1/admin/orders/${orderId}`);

  /** An order whose payment is authorized and accepted. */
  async function sold(): Promise<Sold> {
    const { variantId } = await newProduct(tenant, { stock: 2, amount: 9_500 });
    const { body } = await (await prepared(tenant, [{ variantId, quantity: 1 }])).complete();
    const { id: orderId } = body.order;
    const set = "provider = 'test', account = 'acct_test', livemode = false, reference = 'pi_' || id";
    await query(`update payment set ${set} where tenant_id = $1 and order_id = $2`, typeIdToUuid("ord", orderId));
    const { payments } = await tenant.get(`/v1/admin/orders/${orderId}`);
    testProvider.reported = { status: "authorized", authorized: body.order.totals.total.amount };
    return { orderId, paymentId: payments[0].id };
  }

  /** The same before it was paid. */
  async function bought(): Promise<Sold> {
    const made = await sold();
    const payment = "accepted = false, authorized = 0, expires_at = now() + interval '1 hour'";
    await query(`update payment set ${payment} where tenant_id = $1 and id = $2`, uuidOf(made).payment);
    const order = "status = 'pending', tendered = 0, payment_status = 'pending'";
    await query(`update "order" set ${order} where tenant_id = $1 and id = $2`, uuidOf(made).order);
    testProvider.reset();
    return made;
  }

  const copyText = `insert into payment
    select (jsonb_populate_record(p, jsonb_build_object('id', $3::uuid, 'reference', null, 'closed_at', null))).*
      from payment p where tenant_id = $1 and id = $2`;
  const copyValues = (made: Sold) => [uuidOf(made).payment, typeIdToUuid("pay", newTypeId("pay"))];
  /** Another attempt to pay the same order. */
  const copyAttempt = (made: Sold) => query(copyText, ...copyValues(made));

  /** A transaction of another attempt, which has locked the order; its row is inserted by `begin`. */
  async function attemptUnderWay(made: Sold) {
    const connection = await admin.connect();
    await connection.query("begin");
    const order = `select 1 from "order" where tenant_id = $1 and id = $2 for update`;
    await connection.query(order, [tenantUuid(tenant), uuidOf(made).order]);
    return {
      begin: () => connection.query(copyText, [tenantUuid(tenant), ...copyValues(made)]),
      commit: async () => {
        await connection.query("commit");
        connection.release();
      },
    };
  }

  const closeAttempts = (made: Sold) =>
    query("update payment set closed_at = now() where tenant_id = $1 and order_id = $2", uuidOf(made).order);

  return { uuidOf, within, query, orderOf, sold, bought, copyAttempt, attemptUnderWay, closeAttempts };
}

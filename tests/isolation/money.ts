import pg from "pg";
import { inject } from "vitest";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import type { Ids } from "./sample.js";

/** What only a payment provider brings about is written behind the walls. */
async function made(prefix: string, statement: string, values: readonly unknown[]): Promise<Ids> {
  const client = new pg.Client({ connectionString: inject("system").adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query(`${statement} returning id`, [...values]);
    return { [prefix]: uuidToTypeId(prefix, rows[0].id) };
  } finally {
    await client.end();
  }
}

export const newIncident = (tenantId: string) =>
  made(
    "inc",
    `insert into incident (tenant_id, id, kind, reference, data)
     values ($1, uuidv7(), 'payment.difference', gen_random_uuid(), '{}')`,
    [typeIdToUuid("ten", tenantId)],
  );

/** Of the first payment of an order. */
export const newDispute = (orderId: string) =>
  made(
    "dsp",
    `insert into dispute (tenant_id, id, payment_id, order_id, reference, status, reason, amount, currency, opened_at)
     select tenant_id, uuidv7(), id, order_id, 'dp_' || id, 'needs_response', 'general', amount, currency, now()
       from payment where order_id = $1 order by id limit 1`,
    [typeIdToUuid("ord", orderId)],
  );

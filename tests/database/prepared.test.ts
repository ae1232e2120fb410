import { eq, sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { cartTable } from "../../core/cart/cart.sql.js";
import { insertJson, rowsToJson } from "../../core/kernel/rows.js";
import { orderTimelineTable } from "../../core/order/order.sql.js";
import { asRow, param, prepared } from "../../drizzle/prepared.js";
import { type Reader, TenantReader, toStatements, type Unexecuted } from "../../drizzle/reader.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";

const tenants = ["ten_01m8g5dg3recytq94vtqktgcw1", "ten_01m8g5dgteeh18sgg9xr41tk90"] as const;
const cart = "crt_01m8g5dgsbecytq9atfn438mzv";
const [mine, theirs] = tenants.map((id) => new TenantReader(id) as unknown as Reader) as [Reader, Reader];
const sent = (query: Unexecuted) => toStatements([query]).statements[0];

test("a text is built once, and each call binds its own tenant and values", () => {
  let built = 0;
  const change = prepared((q, { id, row }: { id: string; row: Partial<typeof cartTable.$inferInsert> }) => {
    built += 1;
    return q
      .with()
      .update(cartTable)
      .set(row)
      .where(eq(cartTable.id, param(id, cartTable.id)));
  });
  const first = sent(change(mine, { id: cart, row: asRow({ email: "ada@example.com", shippingAddress: null }) }));
  const second = sent(
    change(theirs, { id: cart, row: asRow({ email: null, shippingAddress: { city: "Ulm" } as never }) }),
  );
  expect(built).toBe(1);
  expect(second?.text).toBe(first?.text);
  expect(first?.values).toEqual(["ada@example.com", null, typeIdToUuid("crt", cart), typeIdToUuid("ten", tenants[0])]);
  expect(second?.values).toEqual([null, '{"city":"Ulm"}', typeIdToUuid("crt", cart), typeIdToUuid("ten", tenants[1])]);

  const fewer = sent(change(mine, { id: cart, row: asRow({ email: null, shippingAddress: undefined }) }));
  expect(fewer?.text).not.toContain("shipping_address");
  expect(built).toBe(2);

  const counted = (by: number) =>
    sent(change(mine, { id: cart, row: asRow({ version: sql`version + ${by}` as never }) }));
  expect([counted(1), counted(2)].map((statement) => statement?.values[0])).toEqual([1, 2]);
  expect(built, "SQL is a part of the text").toBe(4);
});

test("rows that are one parameter belong to the tenant of the call", () => {
  const note = prepared((q, { rows }: { rows: string }) => insertJson(q, orderTimelineTable, ["id", "type"], rows));
  const statements = [mine, theirs].map((q, count) => {
    const rows = Array.from({ length: count + 1 }, () => ({ id: "otl_01m8g5dgsbecytq9atfn438mzv", type: "note" }));
    return sent(note(q, { rows: rowsToJson(orderTimelineTable, rows as never) }));
  });
  expect(statements[1]?.text).toBe(statements[0]?.text);
  expect(statements.map((statement) => statement?.values[0])).toEqual(tenants.map((id) => typeIdToUuid("ten", id)));
  expect(JSON.parse(String(statements[1]?.values[1]))).toHaveLength(2);
});

import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, Cart, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { walk } from "../support/list.js";
import { outcome } from "../support/outcome.js";
import { orderWhen } from "../support/stripe.js";

const path = "/v1/admin/orders";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;
let variantId: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  ({ variantId } = await newProduct(mine, { stock: 100, amount: 9_500 }));
});

/** An order that the merchant is paid for by hand, after its mail has gone out: nothing moves its version by itself. */
async function confirmed(): Promise<Body> {
  const cart = await (await Cart.open(mine.shop, { lines: [{ variantId, quantity: 1 }] })).prepare();
  const { order } = (await cart.complete()).body;
  return orderWhen(mine, order.id, ({ timeline }) => timeline[0].type === "confirmation_sent");
}
const get = (id: string): Promise<Body> => mine.get(`${path}/${id}`);
const send = (id: string, what: "capture" | "refunds", body: object) =>
  mine.call("POST", `${path}/${id}/${what}`, { body, headers: { "idempotency-key": randomUUID() } });

test("notes hide no fact: the history is paged, and the order's body holds the newest of each", async () => {
  const { id } = await confirmed();
  await admin.query(
    `insert into order_timeline (tenant_id, id, order_id, type, data, actor)
     select $1, uuidv7(), $2, 'note', jsonb_build_object('text', n), '{}' from generate_series(1, 500) n`,
    [typeIdToUuid("ten", mine.id), typeIdToUuid("ord", id)],
  );
  await send(id, "capture", {});
  await send(id, "refunds", { amount: 700, reason: "Scratched" });
  await mine.post(`${path}/${id}/notes`, { text: "The last one" });
  const { timeline, notes, hasMore } = await get(id);
  const facts = ["payment_refunded", "payment_captured", "confirmation_sent", "placed"];
  expect(timeline.map(({ type }: Body) => type)).toEqual(facts);
  expect(timeline[0]).toMatchObject({
    data: { amount: { amount: 700, currency: "EUR" } },
    actor: { type: "key" },
  });
  expect([notes.length, notes[0].data.text, hasMore]).toMatchObject([
    20,
    "The last one",
    { timeline: false, notes: true },
  ]);
  const history = `${path}/${id}/timeline`;
  const types = async (query: string) => (await mine.get(history + query)).data.map(({ type }: Body) => type);
  expect(await types("?kind=facts")).toEqual(facts);
  expect(await types("?limit=3")).toEqual(["note", "payment_refunded", "payment_captured"]);
  expect((await walk(mine, `${history}?kind=notes`, 100)).length).toBe(501);
  expect(outcome(await theirs.call("GET", history))).toBe("404 order.not_found");
});

test("the staff clears an order's attention, as of what it has read", async () => {
  const { id, version } = await confirmed();
  const [tenant, order] = [typeIdToUuid("ten", mine.id), typeIdToUuid("ord", id)];
  const concerns = [
    { code: "refund_failed", reference: "re_1", amount: 700 },
    { code: "payment_lost", reference: "pay_1" },
  ];
  await admin.query(
    `update "order" set attention = 'payment_lost', concerns = $3, version = version + 1 where tenant_id = $1 and id = $2`,
    [tenant, order, JSON.stringify(concerns)],
  );
  const ids = async (query: string) => (await mine.get(path + query)).data.map((one: Body) => one.id);
  expect([await ids("?attention=true"), (await ids("?attention=false")).includes(id)]).toEqual([[id], false]);
  expect((await get(id)).concerns).toEqual(concerns);
  const review = (of: number) =>
    mine.call("POST", `${path}/${id}/review`, { body: { text: "Wired" }, headers: { "if-match": `"${of}"` } });
  expect(outcome(await review(version))).toBe("412 version_stale");
  const { body } = await review(version + 1);
  expect(body).toMatchObject({ attention: null, concerns: [], version: version + 2 });
  expect(body.timeline[0]).toMatchObject({
    type: "reviewed",
    data: { codes: ["payment_lost", "refund_failed"], text: "Wired" },
    actor: { type: "key" },
  });
  expect((await review(version + 2)).body.version).toBe(version + 2); // nothing is left to review
  const { data } = await mine.get("/v1/admin/events?type=order.reviewed");
  expect(data[0].data).toMatchObject({ orderId: id, codes: ["payment_lost", "refund_failed"] });
  expect(await ids("?attention=true")).toEqual([]);
});

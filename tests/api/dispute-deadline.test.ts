import { beforeAll, describe, expect, test } from "vitest";
import { Dispute } from "../../core/dispute/index.js";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, eventually, newMember, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { disputesAtStripe, newSaid, paidAtStripe, type Said } from "../support/disputed.js";
import { asSystem, environments } from "../support/domain.js";
import { outcome } from "../support/outcome.js";

const admin = administrator();
const stripe = await disputesAtStripe();
let mine: Tenant;
let theirs: Tenant;
let order: string;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  ({ orderId: order } = await paidAtStripe(admin, mine));
});

const HOUR = 3_600;
const inHours = (hours: number) => Math.floor(Date.now() / 1_000) + hours * HOUR;
const instant = (seconds: number) => new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");

/** A dispute whose evidence is due then; `change` says more of it, and asks again. */
async function disputed(due: number | null, more: Partial<Said> = {}) {
  const paid = await paidAtStripe(admin, mine, { order });
  let said = newSaid(paid, { evidence_details: { due_by: due }, ...more });
  const change = async (next: Partial<Said> = {}) => {
    said = { ...said, ...next };
    stripe.disputes.set(said.id, said);
    const { account, paymentIntent } = paid;
    await asSystem(mine.id, () => Dispute.sync({ reference: said.id, account, paymentIntent }));
  };
  await change();
  const { data } = await mine.get("/v1/admin/disputes?limit=100");
  const { id }: Body = data.find(({ reference }: Body) => reference === said.id);
  return { id: id as string, orderId: paid.orderId, change };
}
const list = async (query = ""): Promise<Body[]> => (await mine.get(`/v1/admin/disputes${query}`)).data;

describe("the reminder of a deadline", () => {
  const run = (disputeId: string) => asSystem(mine.id, () => Dispute.remindOfEvidence({ disputeId }));
  const reminders = async (id: string) => {
    const text = `select data ->> 'evidenceDueAt' as due from event
      where type = 'dispute.evidence_due' and data ->> 'disputeId' = $1 order by id`;
    return (await admin.query(text, [id])).rows.map(({ due }) => due);
  };
  const jobs = async (id: string) => {
    const text =
      "select name, unique_key, extract(epoch from due_at)::int as due from job where unique_key like $1 || ' %' order by due_at";
    return (await admin.query(text, [id])).rows;
  };

  test("comes by itself when three days are left", async () => {
    const due = inHours(71);
    const { id, orderId } = await disputed(due);
    await newProduct(mine); // whoever writes wakes the relay
    expect(await eventually(async () => (await reminders(id))[0], 20_000)).toBe(instant(due));
    const { data } = await mine.get("/v1/admin/events?type=dispute.evidence_due");
    expect(data[0].data).toEqual({
      disputeId: id,
      orderId,
      status: "needs_response",
      amount: { amount: 1_500, currency: "EUR" },
      evidenceDueAt: instant(due),
    });
  });

  test("is dated for then, once for each deadline, and says nothing before", async () => {
    const due = inHours(24 * 7);
    const { id, change } = await disputed(due);
    await change();
    await change({ reason: "fraudulent" });
    const [job, ...more] = await jobs(id);
    expect([job.name, more]).toEqual(["dispute.evidence-due", []]);
    expect(Math.abs(job.due - (due - 72 * HOUR))).toBeLessThan(5);
    await run(id);
    expect(await reminders(id)).toEqual([]);
  });

  test("comes once, however often the job runs; and again for a deadline that moved", { timeout: 60_000 }, async () => {
    const workers = await environments(5, () => import("../../core/dispute/index.js"));
    const runAll = (disputeId: string) =>
      Promise.all(workers.map((worker) => worker(mine.id, (its) => its.remindOfEvidence({ disputeId }))));
    const [first, second] = [inHours(48), inHours(60)];
    const { id, change } = await disputed(first);
    await runAll(id);
    expect(await reminders(id)).toEqual([instant(first)]);
    await change({ evidence_details: { due_by: second } });
    await runAll(id);
    expect(await reminders(id)).toEqual([instant(first), instant(second)]);
  });

  test("does not come for evidence that was sent, for a dispute that ended, nor when it is too late", async () => {
    const cases = [
      { status: "under_review" },
      { status: "won" },
      { evidence_details: { due_by: inHours(-1) } },
      { evidence_details: { due_by: null } },
    ];
    for (const said of cases) {
      const { id } = await disputed(inHours(24), said);
      await run(id);
      expect([said, await reminders(id)]).toEqual([said, []]);
    }
  });
});

describe("the list", () => {
  test("has the nearest deadline first, in pages, by status, open or not, and nobody else's", async () => {
    await admin.query("delete from dispute where tenant_id = $1", [typeIdToUuid("ten", mine.id)]);
    const [later, none, sooner, lost] = [
      await disputed(inHours(300)),
      await disputed(null, { status: "warning_under_review" }),
      await disputed(inHours(200)),
      await disputed(inHours(100), { status: "lost" }),
    ];
    const ids = (rows: Body[]) => rows.map(({ id }) => id);
    expect(ids(await list())).toEqual([lost.id, sooner.id, later.id, none.id]);
    expect(ids(await list("?open=true"))).toEqual([sooner.id, later.id, none.id]);
    expect(ids(await list("?open=false"))).toEqual([lost.id]);
    expect(ids(await list("?status=warning_under_review"))).toEqual([none.id]);
    const paged: string[] = [];
    let cursor = "";
    do {
      const next = cursor && `&cursor=${encodeURIComponent(cursor)}`;
      const { data, nextCursor } = await mine.get(`/v1/admin/disputes?limit=1${next}`);
      paged.push(...ids(data));
      cursor = nextCursor ?? "";
    } while (cursor);
    expect(paged).toEqual([lost.id, sooner.id, later.id, none.id]);
    expect((await mine.call("GET", "/v1/admin/disputes?open=perhaps")).status).toBe(422);
    expect((await theirs.get("/v1/admin/disputes")).data).toEqual([]);
    expect(await mine.get(`/v1/admin/disputes/${lost.id}`)).toMatchObject({ id: lost.id, status: "lost" });
    for (const [caller, id] of [
      [theirs, lost.id],
      [mine, newTypeId("dsp")],
    ] as const)
      expect(outcome(await caller.call("GET", `/v1/admin/disputes/${id}`))).toBe("404 dispute.not_found");
    expect((await (await newMember(mine, "MEMBER")).get("/v1/admin/disputes")).data).toHaveLength(4);
  });
});

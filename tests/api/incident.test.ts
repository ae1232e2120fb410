import { beforeAll, describe, expect, test } from "vitest";
import { Incident } from "../../core/incident/index.js";
import { db } from "../../core/kernel/db.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { counted, ownSystem, settle, tenantsOf } from "../messages/system.js";
import { type Body, newMember, type Tenant } from "../support/client.js";
import { asSystem, environments } from "../support/domain.js";
import { expectPages } from "../support/list.js";
import { outcome } from "../support/outcome.js";

const own = ownSystem();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
});

/** Runs it as the system of the first tenant. */
const act = <T>(run: () => Promise<T>): Promise<T> => asSystem(mine.id, run, system());
const system = () => ({ appUrl: own.host.databases.app, proxy: `127.0.0.1:${own.host.bridge.port}` });
const open = (reference: string, data: Body = {}, kind = "payment.difference") =>
  act(() => Incident.open(kind, reference, data));
const incidents = async (query = ""): Promise<Body[]> => (await mine.get(`/v1/admin/incidents${query}`)).data;
const find = async (reference: string) => (await incidents()).find((one) => one.reference === reference);
const said = async (type: string, incidentId: string): Promise<Body[]> =>
  (await mine.get(`/v1/admin/events?type=${type}&limit=100`)).data.filter(
    ({ data }: Body) => data.incidentId === incidentId,
  );

describe("an incident", () => {
  test("is opened once, by however many find the same at the same time, and says so", { timeout: 60_000 }, async () => {
    const ten = await environments(10, () => import("../../core/incident/index.js"));
    const data = { expected: 100, found: 90 };
    const all = await Promise.all(
      ten.map((run) => run(mine.id, (its) => its.open("payment.difference", "pay_one", data), system())),
    );
    expect(all.filter(Boolean)).toHaveLength(1);
    const incident = await find("pay_one");
    expect(incident).toMatchObject({
      kind: "payment.difference",
      status: "open",
      data: { expected: 100, found: 90 },
      resolvedAt: null,
      resolution: null,
    });
    expect(await mine.get(`/v1/admin/incidents/${incident.id}`)).toEqual(incident);
    const [event, ...more] = await said("incident.opened", incident.id);
    expect([event.data, more]).toEqual([
      { incidentId: incident.id, kind: "payment.difference", reference: "pay_one" },
      [],
    ]);
  });

  test("is resolved with a word, once; when it happens again, it is open again", async () => {
    await open("pay_two", { found: 1 });
    const { id } = await find("pay_two");
    const path = `/v1/admin/incidents/${id}/resolve`;
    const resolved = await mine.post(path, { resolution: "  Refunded by hand. " });
    expect(resolved).toMatchObject({ id, status: "resolved", resolution: "Refunded by hand.", data: { found: 1 } });
    expect(resolved.resolvedAt).toEqual(expect.any(String));
    const again = await mine.call("POST", path, { body: { resolution: "again" } });
    expect([again.status, again.body.code]).toEqual([409, "incident.resolved"]);
    expect((await mine.call("POST", path, { body: { resolution: "   " } })).status).toBe(422);
    expect(await find("pay_two")).toEqual(resolved);

    expect(await open("pay_two", { found: 2 })).toBe(true);
    expect(await find("pay_two")).toMatchObject({
      id,
      status: "open",
      resolution: null,
      resolvedAt: null,
      data: { found: 2 },
    });
    expect(await open("pay_two", { found: 3 })).toBe(false);
    expect((await find("pay_two")).data).toEqual({ found: 2 });
    expect(await said("incident.opened", id)).toHaveLength(2);
    expect((await said("incident.resolved", id)).map(({ data }) => data.resolution)).toEqual(["Refunded by hand."]);
  });

  test("of four who resolve it at once, one does", async () => {
    await open("pay_three");
    const { id } = await find("pay_three");
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        mine.call("POST", `/v1/admin/incidents/${id}/resolve`, { body: { resolution: `by ${index}` } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    expect(await said("incident.resolved", id)).toHaveLength(1);
  });

  test("heals, if it was open", async () => {
    const heal = (reference: string) =>
      act(() => Incident.resolveAutomatically("payment.difference", reference, "It agrees now."));
    await open("pay_four");
    await heal("pay_four");
    await heal("pay_four");
    await heal("pay_never");
    const incident = await find("pay_four");
    expect(incident).toMatchObject({ status: "resolved", resolution: "It agrees now." });
    expect(await said("incident.resolved", incident.id)).toHaveLength(1);
    expect(await find("pay_never")).toBeUndefined();
  });

  test("goes with the transaction in which it was found", async () => {
    const failing = act(() =>
      db(async () => {
        await Incident.open("payment.difference", "pay_undone", {});
        throw new Error("given up");
      }),
    );
    await expect(failing).rejects.toThrow("given up");
    expect(await find("pay_undone")).toBeUndefined();
  });
});

test("a list by status and kind, and nobody else's", async () => {
  await open("dp_1", {}, "dispute.unknown_payment");
  expect((await incidents("?kind=dispute.unknown_payment")).map(({ reference }) => reference)).toEqual(["dp_1"]);
  expect(new Set((await incidents("?status=resolved")).map(({ status }) => status))).toEqual(new Set(["resolved"]));
  expect((await incidents("?status=open")).length).toBeGreaterThan(1);
  expect((await theirs.get("/v1/admin/incidents")).data).toEqual([]);
  const { id } = await find("dp_1");
  for (const [method, path, body] of [
    ["GET", `/v1/admin/incidents/${id}`],
    ["POST", `/v1/admin/incidents/${id}/resolve`, { resolution: "mine" }],
  ] as const)
    expect(outcome(await theirs.call(method, path, { body }))).toBe("404 incident.not_found");
  expect(outcome(await mine.call("GET", `/v1/admin/incidents/${newTypeId("inc")}`))).toBe("404 incident.not_found");
  await expectPages(mine, "/v1/admin/incidents", "status=open");
  const member = await newMember(mine, "MEMBER");
  expect((await member.call("GET", "/v1/admin/incidents")).status).toBe(403);
});

test("an alarm hears of each, and the log says where to look", async () => {
  const { host } = own;
  await host.runSchedule("relay");
  await settle(host);
  const before = counted(host, "IncidentsOpened");
  await open("pay_alarm");
  await host.runSchedule("relay"); // nobody nudges it here
  await settle(host);
  expect(counted(host, "IncidentsOpened")).toBe(before + 1);
  const lines = host.logs().filter(({ text }) => text.includes("incident opened") && text.includes("pay_alarm"));
  expect(lines.map(({ text }) => JSON.parse(text))).toEqual([
    expect.objectContaining({ level: "ERROR", tenantId: mine.id, kind: "payment.difference", reference: "pay_alarm" }),
  ]);
});

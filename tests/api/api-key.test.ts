import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, Caller, ifMatch, newMember, newTenants, type Tenant } from "../support/client.js";
import { eventsOf, expectPages, walk } from "../support/list.js";
import { outcome } from "../support/outcome.js";

const PATH = "/v1/admin/api-keys";
const DAY = 86_400_000;
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const create = (more: object = {}) =>
  mine.owner.post(PATH, { kind: "secret", name: "robot", scopes: ["catalog:read"], ...more });
const pathOf = ({ id }: Body) => `${PATH}/${id}`;
const use = ({ key }: Body, path = "/v1/admin/products") => new Caller(mine.url, key).outcome("GET", path);

describe("a key", () => {
  test("is shown once, when it is created, and never again", async () => {
    const expiresAt = new Date(Date.now() + DAY).toISOString();
    const { key, ...rest } = await create({ expiresAt });
    expect(key).toMatch(/^sk_live_\w+$/);
    expect(rest).toMatchObject({
      kind: "secret",
      name: "robot",
      hint: `sk_live_…${key.slice(-4)}`,
      scopes: ["catalog:read"],
      expiresAt: expect.any(String),
      revokedAt: null,
      lastUsedAt: null,
      createdBy: expect.stringMatching(/^mbr_/),
      parentId: null,
      version: 1,
    });
    expect(Date.parse(rest.expiresAt)).toBe(Date.parse(expiresAt));
    expect(await mine.owner.get(pathOf(rest))).toEqual(rest);
    expect(await eventsOf(mine, "api_key.created")).toContainEqual({ keyId: rest.id, kind: "secret" });
  });

  test("can do what its scopes say, and tells when it was used", async () => {
    const made = await create();
    expect(await use(made)).toBe("200");
    expect(await use(made, "/v1/admin/orders")).toBe("403 forbidden");
    expect(await mine.owner.get(pathOf(made))).toMatchObject({ lastUsedAt: expect.any(String), version: 1 });
  });

  test("only reads, and reads neither bills nor keys, when no scopes are given", async () => {
    const { scopes } = await mine.owner.post(PATH, { kind: "secret", name: "all" });
    expect(scopes).toContain("orders:read");
    expect(scopes.filter((name: string) => !name.endsWith(":read") || /^(billing|keys):/.test(name))).toEqual([]);
  });

  test("of a shop can do what shoppers do, and has no scopes", async () => {
    const made = await mine.owner.post(PATH, { kind: "publishable", name: "web" });
    expect(made).toMatchObject({ kind: "publishable", scopes: [], key: expect.stringMatching(/^pk_live_/) });
    expect(await use(made, "/v1/store/products")).toBe("200");
    expect(await use(made)).toBe("403 forbidden");
    const body = { kind: "publishable", name: "web", scopes: ["catalog:read"] };
    expect(await mine.owner.faults("POST", PATH, { body })).toBe("422 invalid_request /scopes");
  });

  test("is given no right that its maker does not hold", async () => {
    const admin = await newMember(mine, "ADMIN");
    const asking = (scope: string) => ({ body: { kind: "secret", name: "k", scopes: ["catalog:read", scope] } });
    expect(await admin.outcome("POST", PATH, asking("keys:write"))).toBe("201");
    expect(await admin.outcome("POST", PATH, asking("billing:write"))).toBe("403 scope_not_held");
    const robot = new Caller(mine.url, (await create({ scopes: ["keys:write"] })).key);
    expect(await robot.outcome("POST", PATH, asking("keys:write"))).toBe("403 scope_not_held");
    const strong = await create({ scopes: ["orders:read"] });
    expect(await robot.outcome("POST", `${pathOf(strong)}/roll`, { body: {} })).toBe("403 scope_not_held");
  });

  test("is ended, renamed and replaced by those only who hold its rights, and by itself", async () => {
    const robot = Object.assign(new Caller(mine.url, (await create({ scopes: ["keys:write"] })).key));
    const web = await mine.owner.post(PATH, { kind: "publishable", name: "web" });
    for (const other of [await create({ scopes: ["orders:read"] }), web])
      for (const [method, path, body] of [
        ["PATCH", pathOf(other), { name: "mine" }],
        ["POST", `${pathOf(other)}/roll`, {}],
        ["DELETE", pathOf(other)],
      ] as const)
        expect([method, await robot.outcome(method, path, { body })]).toEqual([method, "403 scope_not_held"]);
    const own = await robot.post(PATH, { kind: "secret", name: "child", scopes: ["keys:write"] });
    expect(await robot.outcome("DELETE", pathOf(own))).toBe("204");
    const admin = await newMember(mine, "ADMIN");
    const owners = await create({ scopes: ["billing:write"] });
    expect(await admin.outcome("DELETE", pathOf(owners))).toBe("403 scope_not_held");
    const self = await create({ scopes: ["keys:write"] });
    expect(await new Caller(mine.url, self.key).outcome("DELETE", pathOf(self))).toBe("204");
  });

  test.each([
    ["kind", "private"],
    ["name", " "],
    ["scopes", ["everything"], "/scopes/0"],
    ["expiresAt", "tomorrow"],
    ["expiresAt", new Date(Date.now() - 1_000).toISOString()],
  ])("has no %s like %j", async (field, value, pointer = `/${field}`) => {
    const body = { kind: "secret", name: "k", [field]: value };
    expect(await mine.owner.faults("POST", PATH, { body })).toBe(`422 invalid_request ${pointer}`);
  });

  test("is renamed, by those only who saw its version, when they say which", async () => {
    const { key: _, ...made } = await create();
    expect(await mine.owner.patch(pathOf(made), { name: "new" })).toEqual({ ...made, name: "new", version: 2 });
    for (const [method, path, body] of [
      ["PATCH", pathOf(made), { name: "late" }],
      ["POST", `${pathOf(made)}/roll`, {}],
      ["DELETE", pathOf(made)],
    ] as const) {
      const late = await mine.owner.call(method, path, { body, headers: ifMatch(1) });
      expect([outcome(late), late.body.currentVersion]).toEqual(["412 version_stale", 2]);
    }
    expect(await mine.owner.outcome("PATCH", pathOf(made), { body: { name: "3" }, headers: ifMatch(2) })).toBe("200");
    expect(await mine.owner.faults("PATCH", pathOf(made), { body: { scopes: [] } })).toBe(
      "422 invalid_request /name /scopes",
    );
  });
});

describe("a key is rolled", () => {
  test("into a new one with the same rights, and ends at once", async () => {
    const old = await create();
    const next = await mine.owner.post(`${pathOf(old)}/roll`, {});
    expect(next).toMatchObject({ kind: "secret", name: "robot", scopes: ["catalog:read"], version: 1 });
    expect([next.id === old.id, next.key === old.key]).toEqual([false, false]);
    expect([await use(old), await use(next)]).toEqual(["401 credential_invalid", "200"]);
    expect(await mine.owner.outcome("POST", `${pathOf(old)}/roll`, { body: {} })).toBe("409 api_key.over");
  });

  test("with an overlap in which both work, that is not longer than the old one's life", async () => {
    const expiresAt = new Date(Date.now() + DAY).toISOString();
    const [free, bound] = [await create(), await create({ expiresAt })];
    for (const old of [free, bound]) {
      const next = await mine.owner.post(`${pathOf(old)}/roll`, { overlap: 604_800 });
      expect([await use(old), await use(next)]).toEqual(["200", "200"]);
    }
    const endOf = async (key: Body) => Date.parse((await mine.owner.get(pathOf(key))).expiresAt);
    expect(await endOf(free)).toBeGreaterThan(Date.now() + 6 * DAY);
    expect(await endOf(bound)).toBe(Date.parse(expiresAt));
    const body = { overlap: 604_801 };
    expect(await mine.owner.faults("POST", `${pathOf(free)}/roll`, { body })).toBe("422 invalid_request /overlap");
  });
});

test("a key is revoked at once; again, nothing changes", async () => {
  const made = await create();
  expect(await use(made)).toBe("200");
  for (const _ of ["once", "twice"]) expect((await mine.owner.call("DELETE", pathOf(made))).status).toBe(204);
  expect(await use(made)).toBe("401 credential_invalid");
  expect(await mine.owner.get(pathOf(made))).toMatchObject({ revokedAt: expect.any(String), version: 2 });
  const told = (await eventsOf(mine, "api_key.revoked")).filter(({ keyId }) => keyId === made.id);
  expect(told).toEqual([{ keyId: made.id, kind: "secret" }]);
  expect(await mine.owner.outcome("POST", `${pathOf(made)}/roll`, { body: {} })).toBe("409 api_key.over");
});

test("keys are listed by kind, the newest first, in pages, without the keys themselves", async () => {
  const { key: _, ...newest } = await create();
  await expectPages(mine.owner, PATH, "kind=secret");
  expect((await mine.owner.get(PATH)).data[0]).toEqual(newest);
  const kinds = (await walk(mine.owner, `${PATH}?kind=publishable`, 2)).map(({ kind }) => kind);
  expect(new Set(kinds)).toEqual(new Set(["publishable"]));
});

test("keys are their tenant's alone, and for administrators", async () => {
  const made = await create();
  const member = await newMember(mine, "MEMBER");
  for (const [method, path, body] of [
    ["GET", pathOf(made)],
    ["PATCH", pathOf(made), { name: "x" }],
    ["POST", `${pathOf(made)}/roll`, {}],
    ["DELETE", pathOf(made)],
  ] as const) {
    expect(await theirs.owner.outcome(method, path, { body })).toBe("404 api_key.not_found");
    expect(await member.outcome(method, path, { body })).toBe("403 forbidden");
    const none = path.replace(made.id, newTypeId("key"));
    expect(await mine.owner.outcome(method, none, { body })).toBe("404 api_key.not_found");
  }
  expect(await use(made)).toBe("200");
});

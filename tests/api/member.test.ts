import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import {
  Caller,
  eventually,
  ifMatch,
  newMember,
  newTenants,
  password,
  type Tenant,
  unique,
} from "../support/client.js";
import { eventsOf, expectPages, walk } from "../support/list.js";
import { outcome } from "../support/outcome.js";

const PATH = "/v1/admin/members";
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const newBody = (more: object = {}) => {
  return { email: `${unique("m")}@staff.test`, name: "Max Member", role: "MEMBER", password, ...more };
};
const add = (more: object = {}) => mine.owner.post(PATH, newBody(more));
const pathOf = ({ id }: { id: string }) => `${PATH}/${id}`;
const login = ({ email }: { email: string }) =>
  new Caller(mine.url, undefined).outcome("POST", "/v1/auth/login", { body: { tenant: mine.slug, email, password } });

describe("a member", () => {
  test("is added with a role and a first password, and logs in with it", async () => {
    const body = newBody({ email: `${unique("M")}@Staff.test`, role: "ADMIN" });
    const member = await mine.owner.post(PATH, body);
    const { password: _, ...known } = { ...body, email: body.email.toLowerCase() };
    expect(member).toEqual({
      ...known,
      id: expect.stringMatching(/^mbr_/),
      status: "active",
      version: 1,
      createdAt: expect.any(String),
    });
    expect(await mine.owner.get(pathOf(member))).toEqual(member);
    expect(await login(member)).toBe("200");
    expect(await eventsOf(mine, "member.created")).toContainEqual({ memberId: member.id, role: "ADMIN" });
  });

  test("has an address of their own in the tenant, whatever its case", async () => {
    const { email } = await add();
    const body = newBody({ email: email.toUpperCase() });
    expect(await mine.owner.outcome("POST", PATH, { body })).toBe("409 member.email_taken");
    expect(await theirs.owner.outcome("POST", PATH, { body })).toBe("201");
  });

  test.each([
    ["email", "nobody"],
    ["name", " "],
    ["role", "ROOT"],
    ["password", "short"],
    ["password", "password1"],
    ["status", "removed"],
  ])("has no %s that is %j", async (field, value) => {
    const body = newBody({ [field]: value });
    expect(await mine.owner.faults("POST", PATH, { body })).toBe(`422 invalid_request /${field}`);
  });

  test("changes name and role, and the version counts up", async () => {
    const member = await add();
    const changed = await mine.owner.patch(pathOf(member), { name: "Maxine", role: "ADMIN" });
    expect(changed).toEqual({ ...member, name: "Maxine", role: "ADMIN", version: 2 });
    expect(await mine.owner.patch(pathOf(member), { name: "Max" })).toMatchObject({ role: "ADMIN", version: 3 });
    const told = (await eventsOf(mine, "member.role_changed")).filter(({ memberId }) => memberId === member.id);
    expect(told).toEqual([{ memberId: member.id, role: "ADMIN" }]);
    expect(await mine.owner.faults("PATCH", pathOf(member), { body: { email: "x@y.test" } })).toBe(
      "422 invalid_request /email",
    );
  });

  test("is changed by those only who saw the version, when they say which", async () => {
    const member = await add();
    expect(await mine.owner.patch(pathOf(member), { name: "A" }, ifMatch(1))).toMatchObject({ version: 2 });
    const late = await mine.owner.call("PATCH", pathOf(member), { body: { name: "B" }, headers: ifMatch(1) });
    expect([outcome(late), late.body.currentVersion]).toEqual(["412 version_stale", 2]);
    expect(await mine.owner.outcome("DELETE", pathOf(member), { headers: ifMatch(1) })).toBe("412 version_stale");
  });

  test("is removed, and can be taken back with another password", async () => {
    const member = await add();
    expect((await mine.owner.call("DELETE", pathOf(member))).status).toBe(200);
    for (const [method, body] of [["GET"], ["PATCH", { name: "x" }], ["DELETE"]] as const)
      expect(await mine.owner.outcome(method, pathOf(member), { body })).toBe("404 member.not_found");
    expect(await login(member)).toBe("401 login_failed");
    expect(await eventsOf(mine, "member.removed")).toContainEqual({ memberId: member.id });
    const back = await mine.owner.post(PATH, newBody({ email: member.email, name: "Back again" }));
    expect(back).toMatchObject({ id: member.id, name: "Back again", status: "active", version: 3 });
    expect(await login(member)).toBe("200");
  });
});

describe("the keys of a member", () => {
  const use = (key: string) => new Caller(mine.url, key).outcome("GET", "/v1/store/products");
  const keysOf = async (role: "OWNER" | "ADMIN") => {
    const member = await newMember(mine, role);
    const make = (by: Caller, body: object) => by.post("/v1/admin/api-keys", { kind: "secret", name: "k", ...body });
    const strong = await make(member, { scopes: ["keys:write", "catalog:read", "settings:write"] });
    const child = await make(new Caller(mine.url, strong.key), { scopes: ["catalog:read"] });
    const weak = await make(member, { scopes: ["catalog:read"] });
    const web = await make(member, { kind: "publishable" });
    return { member, strong, child, weak, web };
  };

  test("end with their removal, but those of the shop's pages", async () => {
    const { member, strong, child, weak, web } = await keysOf("ADMIN");
    const answer = await mine.owner.call("DELETE", pathOf(member));
    const ids = (...keys: { id: string }[]) => keys.map(({ id }) => id).toSorted();
    expect(answer.body).toEqual({ id: member.id, revokedKeys: expect.any(Array), keptKeys: [web.id] });
    expect(answer.body.revokedKeys.toSorted()).toEqual(ids(strong, child, weak));
    for (const { key } of [strong, child, weak]) expect(await use(key)).toBe("401 credential_invalid");
    expect(await use(web.key)).toBe("200");
  });

  test("remain when the removal says so, and are named", async () => {
    const { member, strong, child, weak, web } = await keysOf("ADMIN");
    const { body } = await mine.owner.call("DELETE", `${pathOf(member)}?revokeKeys=false`);
    expect([body.revokedKeys, body.keptKeys]).toEqual([[], [strong, child, weak, web].map(({ id }) => id).toSorted()]);
    expect(await use(strong.key)).toBe("200");
  });

  test("end with their demotion, when they hold more than the new role", async () => {
    const { member, strong, child, weak, web } = await keysOf("ADMIN");
    await mine.owner.patch(pathOf(member), { role: "MEMBER" });
    for (const { key } of [strong, child]) expect(await use(key)).toBe("401 credential_invalid");
    for (const { key } of [weak, web]) expect(await use(key)).toBe("200");
  });
});

test("the twin in test mode has the members of the live tenant", async () => {
  const { twinId } = await mine.owner.get("/v1/admin/tenant");
  const { email, id, caller } = await (async () => {
    const body = newBody({ role: "OWNER" });
    return { email: body.email, ...(await mine.owner.post(PATH, body)), caller: mine.owner };
  })();
  const enter = (secret = password) =>
    new Caller(mine.url, undefined).call("POST", "/v1/auth/login", {
      body: { tenant: twinId, email, password: secret },
    });
  const second = new Caller(
    mine.url,
    (
      await eventually(async () => {
        const { status, body } = await enter();
        return status === 200 && body;
      })
    ).accessToken,
  );
  const { key } = await second.post("/v1/admin/api-keys", { kind: "secret", name: "test", scopes: ["catalog:read"] });
  await caller.patch(pathOf({ id }), { role: "MEMBER" });
  await eventually(async () => (await second.get("/v1/auth/me")).role === "MEMBER");
  await caller.delete(pathOf({ id }));
  await eventually(async () => (await second.outcome("GET", "/v1/auth/me")) === "401 credential_invalid");
  expect((await enter()).status).toBe(401);
  expect(await new Caller(mine.url, key).outcome("GET", "/v1/admin/products")).toBe("401 credential_invalid");
});

describe("owners", () => {
  test("are never none", async () => {
    const { member: olga } = await mine.owner.get("/v1/auth/me");
    const demotion = { body: { role: "ADMIN" } };
    expect(await mine.owner.outcome("PATCH", pathOf(olga), demotion)).toBe("409 member.last_owner");
    expect(await mine.owner.outcome("DELETE", pathOf(olga))).toBe("409 member.last_owner");
    const second = await newMember(mine, "OWNER");
    expect(await second.outcome("PATCH", pathOf(olga), demotion)).toBe("200");
    expect(await second.outcome("DELETE", pathOf(second))).toBe("409 member.last_owner");
    expect(await second.outcome("PATCH", pathOf(olga), { body: { role: "OWNER" } })).toBe("200");
    expect((await second.call("DELETE", pathOf(second))).status).toBe(200);
  });

  test("are made and unmade by those only who hold their rights", async () => {
    const { key } = await mine.owner.post("/v1/admin/api-keys", {
      kind: "secret",
      name: "staff",
      scopes: ["members:read", "members:write"],
    });
    const staff = new Caller(mine.url, key);
    const { member: olga } = await mine.owner.get("/v1/auth/me");
    const member = await add();
    expect(await staff.outcome("POST", PATH, { body: newBody() })).toBe("403 role_not_held");
    for (const one of [olga, member]) {
      expect(await staff.outcome("PATCH", pathOf(one), { body: { name: "x" } })).toBe("403 role_not_held");
      expect(await staff.outcome("DELETE", pathOf(one))).toBe("403 role_not_held");
    }
    const admin = await newMember(mine, "ADMIN");
    expect(await admin.outcome("POST", PATH, { body: newBody() })).toBe("403 forbidden");
  });
});

test("members are listed by role, the oldest first, in pages, without those who were removed", async () => {
  const removed = await add();
  await mine.owner.delete(pathOf(removed));
  const kept = await add();
  await expectPages(mine.owner, PATH, "role=MEMBER");
  const ids = (await walk(mine.owner, PATH)).map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted());
  expect(ids).not.toContain(removed.id);
  expect(await walk(mine.owner, `${PATH}?role=MEMBER`)).toContainEqual(kept);
  expect((await walk(mine.owner, `${PATH}?role=OWNER`)).map(({ role }) => role)).toEqual(["OWNER"]);
});

test("members are their tenant's alone", async () => {
  const member = await add();
  for (const [method, body] of [["GET"], ["PATCH", { name: "x" }], ["DELETE"]] as const) {
    expect(await theirs.owner.outcome(method, pathOf(member), { body })).toBe("404 member.not_found");
    expect(await mine.shop.outcome(method, pathOf(member), { body })).toBe("403 forbidden");
  }
  expect(await mine.owner.outcome("GET", pathOf({ id: newTypeId("mbr") }))).toBe("404 member.not_found");
  const colleague = await newMember(mine, "MEMBER");
  expect(await colleague.outcome("GET", pathOf(member))).toBe("200");
  expect(await colleague.outcome("DELETE", pathOf(member))).toBe("403 forbidden");
});

import { afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { allScopes, roleIncludes, roles, scopes } from "../../core/access.js";
import { modules } from "../../functions/modules.js";
import { claimsLike, forge, header } from "../hostile/forge.js";
import { type Answer, Caller, newMember, password } from "../support/client.js";
import { administrator } from "../support/database.js";
import { isPublic, isScope, type Operation, operations } from "./operation.js";
import { checksums, detector, quiet } from "./victim.js";
import { fresh, newWorld, request, unknown, type World } from "./world.js";

/** Who may do what: every operation of the document, by everybody who may not. */

const { url } = inject("system");
const admin = administrator();
let all: Operation[];
let guarded: Operation[];
let thief: World;
let victim: World;
let before: Record<string, string>;
let betrays: (answer: Answer) => string[];
/** Cases by group and operation; those of a group that lack an operation fail the last test. */
const rows = new Map<string, Set<string>>();
let cases = 0;

beforeAll(async () => {
  all = await operations();
  guarded = all.filter((operation) => !isPublic(operation));
  [thief, victim] = await Promise.all([newWorld(), newWorld()]);
  await quiet(admin, victim.tenant);
  before = await checksums(admin, victim.tenant);
  betrays = await detector(admin, victim.tenant);
});

afterEach(async () => {
  expect(await checksums(admin, victim.tenant)).toEqual(before);
});

/** Sends what fits, and remembers that the group has a row for the operation; nobody is ever told of the victim. */
async function send(group: string, caller: Caller, operation: Operation, world: World, at = world) {
  const { method, path, ...options } = await request(operation, world, { at });
  const answer = await caller.call(method, path, options);
  rows.set(group, (rows.get(group) ?? new Set()).add(operation.name));
  cases += 1;
  expect({ operation: operation.name, betrayed: betrays(answer) }).toEqual({ operation: operation.name, betrayed: [] });
  return answer;
}

const nobody = () => ({ ...thief, ids: unknown(thief.ids) });
const said = ({ status, body }: Answer) => [status, body?.code];

test("the document tells all operations, and who may call them", () => {
  const endpoints = modules.flatMap(({ routes = [] }) => routes);
  const names = endpoints.map(({ method, path, spec }) => `${method.toUpperCase()} ${path} ${spec.allow}`);
  expect(all.map(({ name, allow }) => `${name} ${allow}`).sort()).toEqual(names.sort());
  expect(all.filter(isPublic).map(({ name }) => name)).toEqual([
    "POST /v1/auth/signup",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
  ]);
});

test("nothing is tested in vain: each operation does what it is for when its own tenant asks", async () => {
  const { secret, owner, shop } = { secret: thief.tenant, owner: thief.tenant.owner, shop: thief.tenant.shop };
  const wrong = [];
  for (const operation of all.filter(({ name }) => name !== "POST /v1/auth/logout")) {
    const callers = isScope(operation.allow) ? [owner, secret] : operation.allow === "shopper" ? [shop, secret] : [owner];
    for (const caller of callers) {
      const answer = await send("own", caller, operation, await fresh(operation, thief));
      if (answer.status !== operation.done) wrong.push([operation.name, answer.status, answer.text]);
    }
  }
  expect(wrong).toEqual([]);
});

describe("who is not known gets nothing", () => {
  test("no credential, a broken one, one that is over", async () => {
    const revoked = await thief.tenant.owner.post("/v1/admin/api-keys", { kind: "secret", name: "x", scopes: allScopes });
    const loggedOut = await newMember(thief.tenant, "OWNER");
    const removed = await newMember(thief.tenant, "OWNER");
    const alive = [new Caller(url, revoked.key), loggedOut, removed];
    for (const caller of alive) expect((await caller.call("GET", "/v1/admin/products")).status).toBe(200);
    await thief.tenant.owner.delete(`/v1/admin/api-keys/${revoked.id}`);
    await loggedOut.post("/v1/auth/logout");
    await thief.tenant.owner.delete(`/v1/admin/members/${removed.id}`);
    const token = thief.tenant.owner.credential ?? "";
    const now = claimsLike(token);
    const dead = {
      none: new Caller(url, undefined),
      basic: new Caller(url, undefined, { authorization: "Basic b3duZXI6cGFzc3dvcmQ=" }),
      "a key of the right form": new Caller(url, `sk_live_${thief.tenant.id.slice(4)}_${"A".repeat(43)}`),
      "an expired token": new Caller(url, forge(header, { ...now, iat: now.iat - 640, exp: now.iat - 40 })),
      "the victim's tenant in the thief's token": new Caller(url, forge(header, { ...now, tid: victim.tenant.id })),
      "a refresh token": new Caller(url, thief.tenant.refreshToken),
      "a revoked key": new Caller(url, revoked.key),
      "a session that ended": loggedOut,
      "a removed member": removed,
    };
    const wrong = [];
    for (const operation of guarded) {
      for (const [who, caller] of Object.entries(dead)) {
        const answer = await send("unauthenticated", caller, operation, thief);
        if (answer.status !== 401) wrong.push([operation.name, who, ...said(answer)]);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("two credentials at once, and another tenant's name beside one", async () => {
    const { tenant } = thief;
    const wrong = [];
    for (const operation of guarded) {
      const caller = operation.allow === "member" ? tenant.owner : tenant;
      const both = caller.with({ "x-api-key": victim.tenant.credential ?? "" });
      const doubled = await send("ambiguous", both, operation, thief);
      if (doubled.status !== 400) wrong.push([operation.name, "both", ...said(doubled)]);
      for (const name of [victim.tenant.id, victim.tenant.slug]) {
        const named = await send("mismatch", caller.with({ "x-tenant-id": name }), operation, thief);
        if (named.body?.code !== "tenant_mismatch") wrong.push([operation.name, "header", ...said(named)]);
        const { method, path, ...options } = await request(operation, thief);
        const asked = await caller.call(method, `${path}?tenant=${name}`, options);
        if (asked.body?.code !== "tenant_mismatch") wrong.push([operation.name, "query", ...said(asked)]);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("who is known may do what the table says", () => {
  test("shop keys and members stay on their side", async () => {
    const wrong = [];
    for (const operation of guarded.filter(({ allow }) => allow !== "shopper")) {
      const answer = await send("publishable", thief.tenant.shop, operation, nobody());
      if (answer.status !== 403) wrong.push([operation.name, "publishable", ...said(answer)]);
    }
    for (const operation of guarded.filter(({ allow }) => allow === "shopper" || allow === "member")) {
      const caller = operation.allow === "shopper" ? thief.tenant.owner : thief.tenant;
      const answer = await send("side", caller, operation, nobody());
      if (answer.status !== 403) wrong.push([operation.name, "side", ...said(answer)]);
    }
    expect(wrong).toEqual([]);
  });

  test.each(roles)("%s", async (role) => {
    const member = await newMember(thief.tenant, role);
    const wrong = [];
    for (const operation of guarded.filter(({ allow }) => isScope(allow))) {
      const answer = await send(role, member, operation, nobody());
      const may = isScope(operation.allow) && roleIncludes(role, scopes[operation.allow]);
      const refused = answer.status === 403 && answer.body.code === "forbidden";
      if (refused === may || answer.status === 401) wrong.push([operation.name, role, ...said(answer)]);
    }
    for (const [method, path, status] of [
      ["GET", "/v1/auth/me", 200],
      ["POST", "/v1/auth/logout", 204],
    ] as const) {
      expect((await member.call(method, path)).status).toBe(status);
    }
    expect(wrong).toEqual([]);
  });

  test("a key may do what its scopes say, one at a time", async () => {
    const wrong = [];
    for (const scope of allScopes) {
      const made = await thief.tenant.owner.post("/v1/admin/api-keys", { kind: "secret", name: scope, scopes: [scope] });
      const key = new Caller(url, made.key);
      for (const operation of guarded.filter(({ allow }) => isScope(allow))) {
        const answer = await send("scope", key, operation, nobody());
        const refused = answer.status === 403 && answer.body.code === "forbidden";
        if (refused === (operation.allow === scope)) wrong.push([operation.name, scope, ...said(answer)]);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("nobody raises themselves, nor gives what they do not hold", async () => {
    const { owner } = thief.tenant;
    const keyWith = async (scopes: string[]) =>
      new Caller(url, (await owner.post("/v1/admin/api-keys", { kind: "secret", name: "k", scopes })).key);
    const promotion = { role: "OWNER" };
    const boss = { email: "boss@matrix.test", name: "B", role: "OWNER", password };
    const attempts: [Caller, string, string, unknown][] = [];
    for (const role of ["MEMBER", "ADMIN"] as const) {
      const member = await newMember(thief.tenant, role);
      attempts.push([member, "PATCH", `/v1/admin/members/${member.id}`, promotion]);
      attempts.push([member, "POST", "/v1/admin/members", boss]);
      attempts.push([member, "POST", "/v1/admin/api-keys", { kind: "secret", name: "x", scopes: ["members:write"] }]);
    }
    const [forKeys, forMembers] = [await keyWith(["keys:write"]), await keyWith(["members:write"])];
    const strong = await owner.post("/v1/admin/api-keys", { kind: "secret", name: "x", scopes: allScopes });
    attempts.push([forKeys, "POST", "/v1/admin/api-keys", { kind: "secret", name: "x", scopes: allScopes }]);
    attempts.push([forKeys, "POST", `/v1/admin/api-keys/${strong.id}/roll`, {}]);
    attempts.push([forMembers, "POST", "/v1/admin/members", boss]);
    attempts.push([forMembers, "PATCH", `/v1/admin/members/${thief.ids.mbr}`, promotion]);
    for (const [caller, method, path, body] of attempts)
      expect([method, path, (await caller.call(method, path, { body })).status]).toEqual([method, path, 403]);
  });
});

test("every operation had its row", () => {
  const names = (wanted: Operation[]) => wanted.map(({ name }) => name).sort();
  const scoped = guarded.filter(({ allow }) => isScope(allow));
  const groups: Record<string, Operation[]> = {
    own: all.filter(({ name }) => name !== "POST /v1/auth/logout"), // ends the session; each role does it once
    unauthenticated: guarded,
    ambiguous: guarded,
    mismatch: guarded,
    publishable: guarded.filter(({ allow }) => allow !== "shopper"),
    side: guarded.filter(({ allow }) => allow === "shopper" || allow === "member"),
    ...Object.fromEntries([...roles, "scope"].map((group) => [group, scoped])),
  };
  for (const [group, wanted] of Object.entries(groups))
    expect([group, [...(rows.get(group) ?? [])].sort()]).toEqual([group, names(wanted)]);
  expect(cases).toBeGreaterThan(1_500);
});

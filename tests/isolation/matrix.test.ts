import { beforeAll, describe, expect, inject, test, vi } from "vitest";
import { roleIncludes, scopes } from "../../core/kernel/access.js";
import { roles } from "../../core/kernel/role.js";
import type { Allow } from "../../functions/http/endpoint.js";
import { modules } from "../../functions/modules/index.js";
import { claimsLike, forge, header } from "../hostile/forge.js";
import { type Answer, Caller, newMember, password } from "../support/client.js";
import { attack, type Case } from "./attack.js";
import { isPublic, isScope, type Operation } from "./operation.js";
import { fresh, unknown, type World } from "./world.js";

/** Who may do what: every operation of the document, by everybody who may not. */

const { url } = inject("system");
const allScopes = scopes.all().map(({ name }) => name);
const LOGOUT = "POST /v1/auth/logout";
vi.setConfig({ testTimeout: 120_000 });
const matrix = attack();
let all: Operation[];
let guarded: Operation[];
let scoped: Operation[];
let thief: World;
let victim: World;

beforeAll(() => {
  ({ all, thief, victim } = matrix);
  guarded = all.filter((operation) => !isPublic(operation));
  scoped = guarded.filter(({ allow }) => isScope(allow));
});

/** Things that nobody has: what is left to refuse is the caller. */
const nothing = (): World => ({ ...thief, ids: unknown(thief.ids) });
const everybody = (callers: Record<string, Caller>, wanted: readonly Operation[], world = thief): Case[] =>
  wanted.flatMap((operation) =>
    Object.entries(callers).map(([who, caller]) => ({ who, caller, operation, world, at: world })),
  );
const forbidden = ({ status, body }: Answer) => status === 403 && body.code === "forbidden";
const newKey = async (...given: string[]) => {
  const made = await thief.tenant.owner.post("/v1/admin/api-keys", { kind: "secret", name: "k", scopes: given });
  return Object.assign(new Caller(url, made.key), { id: made.id as string });
};

test("the document tells all operations, and who may call them", () => {
  const endpoints = modules.flatMap(({ routes = [] }) => routes);
  const allowOf = (allow: Allow) => (typeof allow === "string" ? allow : allow.name);
  const names = endpoints.map(({ method, path, spec }) => `${method.toUpperCase()} ${path} ${allowOf(spec.allow)}`);
  expect(all.map(({ name, allow }) => `${name} ${allow}`).sort()).toEqual(names.sort());
  expect(all.filter(isPublic).map(({ name }) => name)).toEqual([
    "POST /v1/auth/signup",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "GET /v1/billing/plans",
  ]);
});

test("nothing is tested in vain: each operation does what it is for when its own tenant asks", async () => {
  const callersOf: ((operation: Operation, world: World) => Caller | false)[] = [
    ({ allow }, { tenant }) => (allow === "shopper" ? tenant.shop : tenant.owner),
    ({ allow }, { tenant }) => (isScope(allow) || allow === "shopper") && tenant,
  ];
  const cases: Case[] = [];
  for (const operation of all.filter(({ name }) => name !== LOGOUT)) {
    for (const callerOf of callersOf) {
      const world = callerOf(operation, thief) && (await fresh(operation, thief));
      const caller = world && callerOf(operation, world);
      if (caller) cases.push({ who: "own", caller, operation, world });
    }
  }
  await matrix.judge("own", cases, ({ status }, { operation }) => status === operation.done);
});

describe("who is not known gets nothing", () => {
  test("no credential, a broken one, one that is over", async () => {
    const { tenant } = thief;
    const revoked = await newKey(...allScopes);
    const [loggedOut, removed] = [await newMember(tenant, "OWNER"), await newMember(tenant, "OWNER")];
    for (const caller of [revoked, loggedOut, removed])
      expect((await caller.call("GET", "/v1/admin/products")).status).toBe(200);
    await tenant.owner.delete(`/v1/admin/api-keys/${revoked.id}`);
    await loggedOut.post("/v1/auth/logout");
    await tenant.owner.delete(`/v1/admin/members/${removed.id}`);
    const now = claimsLike(tenant.owner.credential ?? "");
    const dead = {
      none: new Caller(url, undefined),
      basic: new Caller(url, undefined, { authorization: "Basic b3duZXI6cGFzc3dvcmQ=" }),
      "a key of the right form": new Caller(url, `sk_live_${tenant.id.slice(4)}_${"A".repeat(43)}`),
      "an expired token": new Caller(url, forge(header, { ...now, iat: now.iat - 640, exp: now.iat - 40 })),
      "another tenant in the token": new Caller(url, forge(header, { ...now, tid: victim.tenant.id })),
      "a refresh token": new Caller(url, tenant.refreshToken),
      "a revoked key": revoked,
      "a session that ended": loggedOut,
      "a removed member": removed,
    };
    await matrix.judge("unknown", everybody(dead, guarded), ({ status }) => status === 401);
  });

  test("two credentials at once, and another tenant's name beside one", async () => {
    const { tenant } = thief;
    const callers = (operation: Operation) => (operation.allow === "member" ? tenant.owner : tenant);
    const doubled = guarded.flatMap((operation) =>
      everybody({ both: callers(operation).with({ "x-api-key": victim.tenant.credential ?? "" }) }, [operation]),
    );
    await matrix.judge("ambiguous", doubled, ({ status }) => status === 400);
    const named = guarded.flatMap((operation) =>
      [victim.tenant.id, victim.tenant.slug].flatMap((name) => [
        ...everybody({ header: callers(operation).with({ "x-tenant-id": name }) }, [operation]),
        { who: "query", caller: callers(operation), operation, query: { tenant: name } },
      ]),
    );
    await matrix.judge("mismatch", named, ({ status, body }) => status === 403 && body.code === "tenant_mismatch");
  });
});

describe("who is known may do what the table says", () => {
  test("shop keys and members stay on their side", async () => {
    const { tenant } = thief;
    const [shop, member] = ["shopper", "member"].map((who) => guarded.filter(({ allow }) => allow === who));
    await matrix.judge(
      "shop key",
      everybody({ shop: tenant.shop }, [...scoped, ...(member ?? [])], nothing()),
      forbidden,
    );
    await matrix.judge("member in the shop", everybody({ owner: tenant.owner }, shop ?? [], nothing()), forbidden);
    await matrix.judge("key of its own", everybody({ key: tenant }, member ?? [], nothing()), forbidden);
  });

  test.each(roles)("%s", async (role) => {
    const member = await newMember(thief.tenant, role);
    const may = ({ allow }: Operation) => roleIncludes(role, scopes.find(allow)?.role ?? "OWNER");
    await matrix.judge(role, everybody({ [role]: member }, scoped, nothing()), (answer, { operation }) => {
      return forbidden(answer) === !may(operation) && answer.status !== 401;
    });
    expect((await member.call("GET", "/v1/auth/me")).status).toBe(200);
    expect((await member.call("POST", "/v1/auth/logout")).status).toBe(204);
  });

  test("a key may do what its scopes say, one at a time", async () => {
    for (const scope of allScopes) {
      const cases = everybody({ [scope]: await newKey(scope) }, scoped, nothing());
      await matrix.judge("scope", cases, (answer, { operation }) => forbidden(answer) === (operation.allow !== scope));
    }
  });

  test("nobody raises themselves, nor gives what they do not hold", async () => {
    const promotion = { role: "OWNER" };
    const boss = { email: "boss@matrix.test", name: "B", role: "OWNER", password };
    const strong = { kind: "secret", name: "x", scopes: allScopes };
    const attempts: [Caller, string, string, unknown][] = [];
    for (const role of ["MEMBER", "ADMIN"] as const) {
      const member = await newMember(thief.tenant, role);
      attempts.push([member, "PATCH", `/v1/admin/members/${member.id}`, promotion]);
      attempts.push([member, "POST", "/v1/admin/members", boss]);
      attempts.push([member, "POST", "/v1/admin/api-keys", { ...strong, scopes: ["members:write"] }]);
    }
    const [forKeys, forMembers, all] = [
      await newKey("keys:write"),
      await newKey("members:write"),
      await newKey(...allScopes),
    ];
    attempts.push([forKeys, "POST", "/v1/admin/api-keys", strong]);
    attempts.push([forKeys, "POST", `/v1/admin/api-keys/${all.id}/roll`, {}]);
    attempts.push([forMembers, "POST", "/v1/admin/members", boss]);
    attempts.push([forMembers, "PATCH", `/v1/admin/members/${thief.ids.mbr}`, promotion]);
    for (const [caller, method, path, body] of attempts)
      expect([method, path, (await caller.call(method, path, { body })).status]).toEqual([method, path, 403]);
  });
});

test("every operation had its row", ({ task }) => {
  const shop = guarded.filter(({ allow }) => allow === "shopper");
  const groups: Record<string, Operation[]> = {
    own: all.filter(({ name }) => name !== LOGOUT), // it ends the session: each role does it once, above
    unknown: guarded,
    ambiguous: guarded,
    mismatch: guarded,
    "shop key": guarded.filter((operation) => !shop.includes(operation)),
    "member in the shop": shop,
    "key of its own": guarded.filter(({ allow }) => allow === "member"),
    ...Object.fromEntries([...roles, "scope"].map((group) => [group, scoped])),
  };
  const names = (wanted: Iterable<string>) => [...wanted].sort();
  for (const [group, wanted] of Object.entries(groups))
    expect([group, names(matrix.rows.get(group) ?? [])]).toEqual([group, names(wanted.map(({ name }) => name))]);
  expect(matrix.cases).toBeGreaterThan(1_500);
  Object.assign(task.meta, { operations: all.length, cases: matrix.cases });
});

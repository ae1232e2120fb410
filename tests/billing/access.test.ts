import { beforeAll, expect, test, vi } from "vitest";
import { roleIncludes, scopes } from "../../core/kernel/access.js";
import { roles } from "../../core/kernel/role.js";
import "../../functions/modules/index.js";
import { isPublic, type Operation, operations } from "../isolation/operation.js";
import { fieldsOf } from "../isolation/sample.js";
import { checksums, quiet } from "../isolation/victim.js";
import { fresh, newWorld, request, type World } from "../isolation/world.js";
import { tenantUuid } from "../race/race.js";
import { type Answer, Caller, newMember, password, unique } from "../support/client.js";
import { administrator } from "../support/database.js";
import { persist } from "./plan.js";

/** What each access closes, held to every operation of the document: a new route is covered without being named. */

vi.setConfig({ testTimeout: 120_000 });
const admin = administrator();
/** What ends sessions or passwords that the other requests need. */
const LEAVING = ["POST /v1/auth/logout", "POST /v1/auth/password", "DELETE /v1/auth/sessions"];
let all: Operation[];
let world: World;
let staff: (readonly [(typeof roles)[number], Caller])[];

beforeAll(async () => {
  [all, world] = await Promise.all([operations(), newWorld()]);
  await stand("access = 'full'");
  staff = await Promise.all(roles.map(async (role) => [role, await newMember(world.tenant, role)] as const));
  await quiet(admin, world.tenant);
});

const areas = ["auth", "billing", "store", "admin"] as const;
const areaOf = ({ path }: Operation) => path.split("/")[2] as (typeof areas)[number];
const writes = ({ method }: Operation) => method !== "GET";
/** What takes rights or credentials away: all that members and keys are for, but their creation and a key's name. */
const endsAccess = ({ allow, method, path }: Operation) =>
  /^(keys|members):write$/.test(allow) &&
  (method === "DELETE" || /\/roll$/.test(path) || (method === "PATCH" && /members/.test(path)));
const showsPerson = ({ answer = {} }: Operation) =>
  fieldsOf(answer, () => true).some(({ path }) => /^(email|phone|line1)$/.test(path.at(-1) ?? ""));
/** A right to personal data is closed as a whole. */
const isPersonal = ({ allow }: Operation) => all.some((one) => one.allow === allow && showsPerson(one));
const closesWrite = (operation: Operation) =>
  areaOf(operation) === "admin" && writes(operation) && !endsAccess(operation);

/** How a tenant may stand, and what then is refused. */
type Refusal = (operation: Operation, caller?: Caller) => string | undefined;
const standings: [name: string, set: string, refusal: Refusal][] = [
  [
    "read_only",
    "access = 'read_only', status = 'past_due'",
    (operation) => (closesWrite(operation) ? "tenant_read_only" : undefined),
  ],
  ...(["access = 'blocked', status = 'suspended'", "status = 'suspended'", "status = 'closing'"] as const).map(
    (set): (typeof standings)[number] => [
      `blocked by ${set}`,
      set,
      (operation, caller) => {
        const byKey = caller === world.tenant && areaOf(operation) === "admin" && !writes(operation);
        const closed = areaOf(operation) === "store" || closesWrite(operation) || (byKey && isPersonal(operation));
        return closed ? "tenant_suspended" : undefined;
      },
    ],
  ),
];

/** The plan has no limits, because the tests add to the staff. */
const stand = (set: string) =>
  admin.query(`update tenant set ${set}, plan = 'scale' where tenant_id = $1`, [tenantUuid(world.tenant)]);
const callersOf = (operation: Operation): Caller[] => {
  const { tenant } = world;
  if (areaOf(operation) === "store") return [tenant.shop, tenant];
  return areaOf(operation) === "admin" ? [tenant.owner, tenant] : [tenant.owner];
};
const closedBy = ({ body }: Answer) => (/^tenant_(read_only|suspended)$/.test(body?.code) ? body.code : undefined);

async function send(operation: Operation, caller: Caller, about = world): Promise<Answer> {
  const { method, path, ...options } = await request(operation, about);
  return persist(() => caller.call(method, path, options));
}

test("every operation lies in an area that the table knows", () => {
  expect(all.filter((operation) => !areas.includes(areaOf(operation))).map(({ name }) => name)).toEqual([]);
  const staff = all.filter((operation) => areaOf(operation) === "admin" && writes(operation));
  expect(staff.length).toBeGreaterThan(15);
});

test.each(standings)("%s", async (_, set, refusal) => {
  const guarded = all.filter((operation) => !isPublic(operation) && !LEAVING.includes(operation.name));
  const [closed, open] = [guarded.filter((one) => refusal(one)), guarded.filter((one) => !refusal(one))];
  const wrong: unknown[] = [];
  const judge = (operation: Operation, { status, text }: Answer, fits: boolean) => {
    if (!fits) wrong.push([operation.name, status, text.slice(0, 300)]);
  };
  // Made while the shop is open: what a request may use up, and a session to be ended.
  await stand("access = 'full', status = 'active'");
  const worlds = new Map<Operation, World[]>();
  for (const operation of open) {
    const each = callersOf(operation).map(() => fresh(operation, world));
    worlds.set(operation, await Promise.all(each));
  }
  const leaving = await newMember(world.tenant, "MEMBER");
  await quiet(admin, world.tenant);
  await stand(set);

  const before = await checksums(admin, world.tenant);
  for (const operation of closed)
    for (const caller of callersOf(operation)) {
      const answer = await send(operation, caller);
      judge(operation, answer, answer.status === 403 && closedBy(answer) === refusal(operation));
    }
  expect(await checksums(admin, world.tenant)).toEqual(before);

  for (const operation of open)
    for (const [index, caller] of callersOf(operation).entries()) {
      const answer = await send(operation, caller, worlds.get(operation)?.[index]);
      // Whether billing succeeds is its own tests' matter; that it is let in is ours.
      const fits =
        areaOf(operation) === "billing" ? ![401, 403].includes(answer.status) : answer.status === operation.done;
      const closed = refusal(operation, caller);
      judge(
        operation,
        answer,
        closed ? answer.status === 403 && closedBy(answer) === closed : fits && !closedBy(answer),
      );
    }
  for (const operation of all.filter(({ name }) => /^POST \/v1\/auth\/(login|refresh)$/.test(name))) {
    const answer = await send(operation, new Caller(world.tenant.url, undefined));
    judge(operation, answer, answer.status === operation.done);
  }
  const change = { body: { currentPassword: password, password: `${password} ${unique()}` } };
  expect(await leaving.outcome("POST", "/v1/auth/password", change)).toBe("204");
  expect(await leaving.outcome("DELETE", "/v1/auth/sessions")).toBe("204");
  expect(await leaving.outcome("POST", "/v1/auth/logout")).toBe("204");
  expect(wrong).toEqual([]);
});

test.each(standings)("%s: who may take rights away is decided by the role, and not by the bill", async (_, set) => {
  await stand("access = 'full', status = 'active'");
  const exits = all.filter(endsAccess);
  expect(exits.length).toBeGreaterThanOrEqual(4);
  const targets = new Map<string, World>();
  for (const operation of exits)
    for (const role of roles) targets.set(`${operation.name} ${role}`, await fresh(operation, world));
  await stand(set);
  for (const operation of exits)
    for (const [role, caller] of staff) {
      const may = roleIncludes(role, scopes.find(operation.allow)?.role ?? "OWNER");
      const { status, text } = await send(operation, caller, targets.get(`${operation.name} ${role}`));
      const wanted = may ? operation.done : 403;
      expect([operation.name, role, status, text.slice(0, 200)]).toEqual([
        operation.name,
        role,
        wanted,
        text.slice(0, 200),
      ]);
      if (!may) expect(JSON.parse(text).code).toBe("forbidden");
    }
});

test("who owes a payment and has time left does what it likes", async () => {
  await stand("access = 'full', status = 'past_due'");
  const writing = all.filter((operation) => areaOf(operation) === "admin" && operation.name.startsWith("POST"));
  for (const operation of writing) {
    const { method, path } = await request(operation, world);
    const answer = await world.tenant.call(method, path, { body: { none: "of this fits" } });
    expect([operation.name, answer.status, closedBy(answer)]).toEqual([
      operation.name,
      expect.toSatisfy(isMisfit),
      undefined,
    ]);
  }
});
const isMisfit = (status: number) => [400, 404, 422, 428].includes(status);

test("who has no right is not told how the tenant stands", async () => {
  await stand("access = 'blocked', status = 'suspended'");
  const { tenant } = world;
  expect((await tenant.shop.call("POST", "/v1/admin/products", { body: {} })).body.code).toBe("forbidden");
  const { status, text } = await tenant.shop.call("GET", "/v1/store/products");
  expect([status, text]).toEqual([403, expect.not.stringMatching(/plan|pay|bill|subscri/i)]);
});

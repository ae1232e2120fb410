import { beforeAll, expect, test, vi } from "vitest";
import { type Answer, type Body, Caller, newTenant, password, type Tenant, unique } from "../support/client.js";
import { atOnce } from "./race.js";

/** Rights that are taken away while somebody uses them to get more. */

vi.setConfig({ testTimeout: 300_000 });
const ROUNDS = 50;
const KEYS = "/v1/admin/api-keys";
let tenant: Tenant;
let visitor: Caller;

beforeAll(async () => {
  tenant = await newTenant();
  visitor = new Caller(tenant.url, undefined);
});

const email = `${unique("m")}@staff.test`;
/** Adds the member, or takes them back. */
const join = (): Promise<Body> =>
  tenant.owner.post("/v1/admin/members", { email, name: "Max Member", role: "ADMIN", password });
const login = (secret = password) =>
  visitor.call("POST", "/v1/auth/login", { body: { tenant: tenant.slug, email, password: secret } });
const refresh = (refreshToken: string) => visitor.call("POST", "/v1/auth/refresh", { body: { refreshToken } });
const newKey = (by: Caller) =>
  by.call("POST", KEYS, { body: { kind: "secret", name: "late", scopes: ["keys:write", "catalog:read"] } });
const as = (credential: string) => new Caller(tenant.url, credential);

/** Whatever the attempts have brought in is worth nothing. */
async function expectDead(round: number, attempts: readonly Answer[]): Promise<void> {
  for (const { body } of attempts.filter(({ status }) => status < 300)) {
    if (body.key) expect([round, (await as(body.key).call("GET", "/v1/admin/products")).status]).toEqual([round, 401]);
    if (body.accessToken)
      expect([round, (await as(body.accessToken).call("GET", "/v1/auth/me")).status]).toEqual([round, 401]);
    if (body.refreshToken) expect([round, (await refresh(body.refreshToken)).status]).toEqual([round, 401]);
  }
}

test("a removal leaves no session and no key, whatever arrives with it, nor when the member is taken back", async () => {
  let won = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await join();
    const session = (await login()).body;
    const member = as(session.accessToken);
    const parent = (await newKey(member)).body;
    const [removal, ...attempts] = await Promise.all([
      tenant.owner.call("DELETE", `/v1/admin/members/${id}`),
      login(),
      refresh(session.refreshToken),
      newKey(member),
      newKey(member),
      newKey(as(parent.key)),
    ]);
    expect([round, removal?.status]).toEqual([round, 200]);
    won += attempts.filter(({ status }) => status < 300).length;
    await expectDead(round, attempts);
    await join();
    await expectDead(round, attempts);
    await tenant.owner.delete(`/v1/admin/members/${id}`);
  }
  expect(won).toBeGreaterThan(0); // the race takes place
});

test("a new password ends what the old one opened at the same time", async () => {
  const own = await newTenant();
  const enter = (secret: string) =>
    visitor.call("POST", "/v1/auth/login", { body: { tenant: own.slug, email: own.ownerEmail, password: secret } });
  let secret = password;
  for (let round = 0; round < 10; round += 1) {
    const next = `${password} ${unique()}`;
    const [change, ...logins] = await Promise.all([
      own.owner.call("POST", "/v1/auth/password", { body: { currentPassword: secret, password: next } }),
      enter(secret),
      enter(secret),
    ]);
    expect(change?.status).toBe(204);
    secret = next;
    for (const { body } of logins.filter(({ status }) => status === 200))
      expect([round, (await as(body.accessToken).call("GET", "/v1/auth/me")).status]).toEqual([round, 401]);
  }
});

test("a key that is revoked leaves no descendant, however deep one is made at the same time", async () => {
  for (let round = 0; round < 20; round += 1) {
    const first = (await newKey(tenant.owner)).body;
    const second = (await newKey(as(first.key))).body;
    const [end, ...made] = await Promise.all([
      tenant.owner.call("DELETE", `${KEYS}/${first.id}`),
      newKey(as(second.key)),
      newKey(as(first.key)),
    ]);
    expect(end?.status).toBe(204);
    await expectDead(round, [...made, { body: second, status: 201 } as Answer]);
  }
});

test("a demotion takes the rights of the very requests that run beside it", async () => {
  for (let round = 0; round < 20; round += 1) {
    const { id } = await join();
    const member = as((await login()).body.accessToken);
    const [demotion, ...made] = await Promise.all([
      tenant.owner.call("PATCH", `/v1/admin/members/${id}`, { body: { role: "MEMBER" } }),
      newKey(member),
      newKey(member),
    ]);
    expect(demotion?.status).toBe(200);
    await expectDead(round, made);
    await tenant.owner.delete(`/v1/admin/members/${id}`);
  }
});

/** A key that calls locks itself and its maker, who may be just what the call changes. */
test("a key changes itself and the members beside itself many times at once, and none is told to come later", async () => {
  const { id, key } = (await newKey(tenant.owner)).body;
  const members = (await tenant.owner.get("/v1/admin/members")).data as Body[];
  const changes = await atOnce(12, (index) => {
    const name = `Name ${index}`;
    return index % 2 === 0
      ? as(key).call("PATCH", `${KEYS}/${id}`, { body: { name } })
      : tenant.call("PATCH", `/v1/admin/members/${members[index % members.length]?.id}`, { body: { name } });
  });
  const failed = changes.filter(({ status }) => status !== 200);
  expect(failed.map(({ status, body }) => [status, body?.code])).toEqual([]);
});

test("tabs that refresh at once get one child, and a copy of it has no life of its own", async () => {
  await join();
  for (let round = 0; round < 10; round += 1) {
    const first = (await login()).body;
    const tabs = await atOnce(8, () => refresh(first.refreshToken));
    expect(tabs.map(({ status }) => status)).toEqual(tabs.map(() => 200));
    expect(new Set(tabs.map(({ body }) => body.refreshToken)).size).toBe(1);
    const [mine, stolen] = [tabs[0]?.body, tabs[1]?.body];
    const next = (await refresh(mine.refreshToken)).body;
    await refresh(next.refreshToken);
    expect((await refresh(stolen.refreshToken)).status).toBe(401); // the copy meets what came of it
    expect((await as(next.accessToken).call("GET", "/v1/auth/me")).status).toBe(401);
  }
});

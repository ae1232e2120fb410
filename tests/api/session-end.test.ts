import { beforeAll, describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { tenantUuid } from "../race/race.js";
import { type Body, Caller, newMember, newTenants, password, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { outcome } from "../support/outcome.js";

const ME = "/v1/auth/me";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;
let visitor: Caller;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  visitor = new Caller(mine.url, undefined);
});

const login = (body: object) => visitor.call("POST", "/v1/auth/login", { body: { password, ...body } });
const refresh = (refreshToken: string) => visitor.call("POST", "/v1/auth/refresh", { body: { refreshToken } });
const me = (credential: string) => new Caller(mine.url, credential).outcome("GET", ME);

describe("the sessions of a member", () => {
  let own: Tenant;
  beforeAll(async () => {
    [own] = (await newTenants(1)) as [Tenant];
  });
  const entered = async () => {
    const { body } = await login({ tenant: own.slug, email: own.ownerEmail });
    return Object.assign(new Caller(mine.url, body.accessToken), { refreshToken: body.refreshToken as string });
  };
  const SESSIONS = "/v1/auth/sessions";

  test("are listed, and end one by one or all others at once", async () => {
    const [here, there, third] = [await entered(), await entered(), await entered()];
    const { session } = await there.get(ME);
    const { data } = await here.get(`${SESSIONS}`);
    expect(data.filter(({ current }: Body) => current)).toHaveLength(1);
    expect(data.find(({ id }: Body) => id === session.id)).toEqual({
      ...session,
      refreshedAt: expect.any(String),
      endsAt: expect.any(String),
      current: false,
    });
    expect(await here.outcome("DELETE", `${SESSIONS}/${session.id}`)).toBe("204");
    expect(await here.outcome("DELETE", `${SESSIONS}/${session.id}`)).toBe("404 session.not_found");
    expect([await me(there.credential ?? ""), await me(third.credential ?? "")]).toEqual([
      "401 credential_invalid",
      "200",
    ]);
    expect(await here.outcome("DELETE", SESSIONS)).toBe("204");
    expect(await me(third.credential ?? "")).toBe("401 credential_invalid");
    expect(outcome(await refresh(third.refreshToken))).toBe("401 refresh_token_invalid");
    expect((await here.get(SESSIONS)).data).toHaveLength(1);
  });

  test("are nobody else's", async () => {
    const member = await newMember(theirs, "OWNER");
    const { session } = await member.get(ME);
    const here = await entered();
    expect(await here.outcome("DELETE", `${SESSIONS}/${session.id}`)).toBe("404 session.not_found");
    expect(await theirs.owner.outcome("DELETE", `${SESSIONS}/${session.id}`)).toBe("404 session.not_found");
    const path = `/v1/admin/members/${member.id}/sessions`;
    expect((await theirs.owner.get(path)).data.map(({ id }: Body) => id)).toEqual([session.id]);
    expect(await here.outcome("DELETE", path)).toBe("404 member.not_found");
    expect(await theirs.owner.outcome("DELETE", path)).toBe("204");
    expect(await member.outcome("GET", ME)).toBe("401 credential_invalid");
  });

  test("are 50 at most, and the oldest goes", async () => {
    const oldest = await entered();
    await oldest.delete(SESSIONS);
    await admin.query(
      `insert into session select (jsonb_populate_record(s, jsonb_build_object('id', uuidv7(), 'created_at', now()))).*
         from session s, generate_series(1, 49) where s.id = (select id from session where tenant_id = $1 and id = $2)`,
      [tenantUuid(own), typeIdToUuid("ses", (await oldest.get(ME)).session.id)],
    );
    const newest = await entered();
    expect(await me(oldest.credential ?? "")).toBe("401 credential_invalid");
    expect((await newest.get(`${SESSIONS}`)).data).toHaveLength(50);
    await newest.delete(SESSIONS);
  });

  test("have an end that no refresh moves", async () => {
    const session = await entered();
    const { id } = (await session.get(ME)).session;
    await admin.query("update session set ends_at = now() + interval '1 hour' where id = $1", [
      typeIdToUuid("ses", id),
    ]);
    const { accessToken } = (await refresh(session.refreshToken)).body;
    const { expiresAt } = (await new Caller(mine.url, accessToken).get(ME)).session;
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });
});

describe("a password", () => {
  const PASSWORD = "/v1/auth/password";
  const next = "seven green lanterns over the bay";

  test("is changed by who knows it, and other sessions end", async () => {
    const tenant = (await newTenants(1))[0] as Tenant;
    const there = (await new Caller(mine.url, undefined).post("/v1/auth/login", {
      tenant: tenant.slug,
      email: tenant.ownerEmail,
      password,
    })) as Body;
    const change = (currentPassword: string, to: string) =>
      tenant.owner.faults("POST", PASSWORD, { body: { currentPassword, password: to } });
    expect(await change("wrong", next)).toBe("403 password_wrong");
    expect(await change(password, "short")).toBe("422 invalid_request /password");
    expect(await change(password, password)).toBe("422 invalid_request /password");
    expect(await me(there.accessToken)).toBe("200");
    expect(await change(password, next)).toBe("204");
    expect(await tenant.owner.outcome("GET", ME)).toBe("200");
    expect(await me(there.accessToken)).toBe("401 credential_invalid");
    expect(outcome(await refresh(there.refreshToken))).toBe("401 refresh_token_invalid");
    const enter = (secret: string) =>
      visitor.outcome("POST", "/v1/auth/login", {
        body: { tenant: tenant.slug, email: tenant.ownerEmail, password: secret },
      });
    expect([await enter(password), await enter(next)]).toEqual(["401 login_failed", "200"]);
  });

  test("is not guessed with a stolen token", async () => {
    const member = await newMember(mine, "MEMBER");
    const body = { currentPassword: "wrong", password: next };
    const answers = [];
    for (let count = 0; count < 22; count += 1) answers.push(await member.outcome("POST", PASSWORD, { body }));
    expect(answers.slice(0, 20)).toEqual(Array(20).fill("403 password_wrong"));
    expect(answers).toContain("429 rate_limited");
  });
});

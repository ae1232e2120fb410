import { beforeAll, describe, expect, test } from "vitest";
import { type Body, Caller, newMember, newTenants, password, type Tenant, unique } from "../support/client.js";
import { outcome } from "../support/outcome.js";

const ME = "/v1/auth/me";
let mine: Tenant;
let theirs: Tenant;
let visitor: Caller;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  visitor = new Caller(mine.url, undefined);
});

const login = (more: object = {}, headers: Record<string, string> = {}, query = "") =>
  visitor.call("POST", `/v1/auth/login${query}`, { body: { email: mine.ownerEmail, password, ...more }, headers });
const opened = async (): Promise<Body> => (await login({ tenant: mine.slug })).body;
const refresh = (refreshToken: string) => visitor.call("POST", "/v1/auth/refresh", { body: { refreshToken } });
const me = (credential: string) => new Caller(mine.url, credential).outcome("GET", ME);

describe("a member logs in", () => {
  test("to the tenant that is named in the body, in a header or in the query, by slug or id", async () => {
    const answers = [
      await login({ tenant: mine.slug }),
      await login({ tenant: mine.id }),
      await login({}, { "x-tenant-id": mine.slug }),
      await login({}, {}, `?tenant=${mine.id}`),
      await login({ email: mine.ownerEmail.toUpperCase(), tenant: mine.slug }),
    ];
    for (const { body } of answers) {
      expect(body).toMatchObject({ tokenType: "Bearer", expiresIn: 600, refreshToken: expect.any(String) });
      const { tenant, member } = await new Caller(mine.url, body.accessToken).get(ME);
      expect([tenant.id, member.email]).toEqual([mine.id, mine.ownerEmail]);
    }
  });

  test("not with anything wrong, and is not told what", async () => {
    for (const wrong of [
      { password: "something else" },
      { email: "nobody@shop.test" },
      { tenant: unique("none") },
      { tenant: theirs.slug },
    ])
      expect(outcome(await login({ tenant: mine.slug, ...wrong }))).toBe("401 login_failed");
  });

  test("not without a tenant, nor to two at once", async () => {
    const { faults } = visitor;
    const body = { email: mine.ownerEmail, password };
    expect(await faults("POST", "/v1/auth/login", { body })).toBe("422 invalid_request /tenant");
    const two = await login({ tenant: mine.slug }, { "x-tenant-id": theirs.slug });
    expect(outcome(two)).toBe("403 tenant_mismatch");
    expect(outcome(await login({}, { "x-tenant-id": "not a name" }))).toBe("400 tenant_name_invalid");
  });
});

describe("a session", () => {
  test("is who they are, in which role and tenant, since when and until when", async () => {
    const { accessToken } = await opened();
    const { member, tenant, role, session } = await new Caller(mine.url, accessToken).get(ME);
    expect([member.role, role, tenant]).toEqual(["OWNER", "OWNER", await mine.get("/v1/admin/tenant")]);
    const life = Date.parse(session.expiresAt) - Date.parse(session.createdAt);
    expect(Math.round(life / 86_400_000)).toBe(30);
  });

  test("goes on with each refresh token, which works once", async () => {
    const first = await opened();
    const second = (await refresh(first.refreshToken)).body;
    const third = (await refresh(second.refreshToken)).body;
    const sessions = [first, second, third].map(async ({ accessToken }) => {
      return (await new Caller(mine.url, accessToken).get(ME)).session.id;
    });
    expect(new Set(await Promise.all(sessions)).size).toBe(1);
    expect(outcome(await refresh(first.refreshToken))).toBe("401 refresh_token_invalid"); // somebody else has it
    expect(await me(third.accessToken)).toBe("401 credential_invalid");
    expect(outcome(await refresh(third.refreshToken))).toBe("401 refresh_token_invalid");
  });

  test("ends with the logout, and no other one of the same member", async () => {
    const [here, there] = [await opened(), await opened()];
    const answer = await new Caller(mine.url, here.accessToken).call("POST", "/v1/auth/logout");
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect([await me(here.accessToken), await me(there.accessToken)]).toEqual(["401 credential_invalid", "200"]);
    expect(outcome(await refresh(here.refreshToken))).toBe("401 refresh_token_invalid");
  });

  test("is not refreshed by what is no refresh token", async () => {
    const { refreshToken } = await opened();
    for (const text of [mine.credential ?? "", `${refreshToken}x`, "rt"])
      expect(outcome(await refresh(text))).toBe("401 refresh_token_invalid");
    expect(await visitor.faults("POST", "/v1/auth/refresh", { body: {} })).toBe("422 invalid_request /refreshToken");
  });

  test("belongs to members: keys have none", async () => {
    for (const caller of [mine, mine.shop]) {
      expect(await caller.outcome("GET", ME)).toBe("403 forbidden");
      expect(await caller.outcome("POST", "/v1/auth/logout")).toBe("403 forbidden");
    }
  });

  test("has the role of this moment", async () => {
    const member = await newMember(mine, "MEMBER");
    await mine.owner.patch(`/v1/admin/members/${member.id}`, { role: "ADMIN" });
    expect(await member.get(ME)).toMatchObject({ role: "ADMIN", member: { role: "ADMIN" } });
  });
});

describe("a credential", () => {
  const asked = async (headers: Record<string, string>) => {
    const answer = await visitor.call("GET", ME, { headers });
    const { "www-authenticate": challenge } = Object.fromEntries(answer.headers);
    expect(challenge).toBe(answer.status === 401 ? 'Bearer realm="stoa"' : undefined);
    return outcome(answer);
  };

  test("is needed", async () => {
    expect(await asked({})).toBe("401 unauthenticated");
    expect(await asked({ "x-tenant-id": mine.slug })).toBe("401 unauthenticated");
  });

  test.each(["Bearer", "Bearer ", "Basic b2xnYTp4", "Bearer two words", "Bearer sk_live_x"])(
    "does not look like %j",
    async (authorization) => expect(await asked({ authorization })).toBe("401 credential_malformed"),
  );

  test("is one: two different ones are refused, the same one twice is not", async () => {
    const { accessToken } = await opened();
    const authorization = `Bearer ${accessToken}`;
    expect(await asked({ authorization, "x-api-key": mine.credential ?? "" })).toBe("400 credential_ambiguous");
    const same = { authorization: `Bearer ${mine.credential}`, "x-api-key": mine.credential ?? "" };
    expect((await visitor.call("GET", "/v1/admin/products", { headers: same })).status).toBe(200);
  });

  test("is real: a token or key that nobody gave out is refused", async () => {
    const { accessToken } = await opened();
    const tampered = accessToken.replace(/.$/, (last: string) => (last === "A" ? "Q" : "A"));
    for (const token of [tampered, "x.y.z"]) expect(await me(token)).toBe("401 token_invalid");
    const invented = mine.credential?.replace(/.{4}$/, "0000") ?? "";
    expect(await new Caller(mine.url, invented).outcome("GET", "/v1/admin/products")).toBe("401 credential_invalid");
  });

  test("decides the tenant: who names another one is refused", async () => {
    for (const name of [theirs.slug, theirs.id]) {
      expect(await mine.owner.outcome("GET", `${ME}?tenant=${name}`)).toBe("403 tenant_mismatch");
      expect(await mine.with({ "x-tenant-id": name }).outcome("GET", "/v1/admin/tenant")).toBe("403 tenant_mismatch");
    }
    for (const name of [mine.slug, mine.id])
      expect(await mine.owner.outcome("GET", `${ME}?tenant=${name}`)).toBe("200");
  });
});

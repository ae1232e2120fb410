import { describe, expect, inject, test } from "vitest";
import { type Body, Caller, eventually, newTenant, password, unique } from "../support/client.js";
import { eventsOf } from "../support/list.js";

const PATH = "/v1/auth/signup";
const visitor = new Caller(inject("system").url, undefined);

const newBody = ({ tenant = {}, ...more }: { tenant?: object; [field: string]: unknown } = {}) => ({
  tenant: { name: "Ada's Mugs", slug: unique(), currency: "CHF", country: "CH", ...tenant },
  email: `${unique("Ada")}@Shop.test`,
  password,
  name: "Ada Owner",
  ...more,
});
const signUp = (body: Body) => visitor.faults("POST", PATH, { body });

describe("a tenant is signed up", () => {
  test("with its owner, logged in, and all that it needs for the first sale", async () => {
    const body = newBody();
    const { tenant, member, accessToken, ...tokens } = await visitor.post(PATH, body);
    expect(tenant).toMatchObject({ ...body.tenant, status: "trial", livemode: true, version: 1 });
    expect(member).toMatchObject({ email: body.email.toLowerCase(), name: body.name, role: "OWNER" });
    expect(tokens).toEqual({ tokenType: "Bearer", expiresIn: 600, refreshToken: expect.stringMatching(/^rt_/) });

    const owner = new Caller(visitor.url, accessToken);
    expect(await owner.get("/v1/auth/me")).toMatchObject({ tenant, member, role: "OWNER" });
    const first = async (list: string) => (await owner.get(`/v1/admin/${list}`)).data;
    const [region] = await first("regions");
    const classes = await first("tax-classes");
    expect(region).toMatchObject({ name: "Switzerland", currency: "CHF", countries: ["CH"], isDefault: true });
    expect(classes.map(({ code, isDefault }: Body) => [code, isDefault])).toEqual([
      ["standard", true],
      ["reduced", false],
      ["exempt", false],
    ]);
    expect((await first("tax-rates")).map(({ rate }: Body) => rate)).toEqual([810, 810, 0]);
    expect(await first("channels")).toMatchObject([{ slug: "web", isDefault: true }]);
    expect(await first("locations")).toMatchObject([{ name: "Main", country: "CH", isDefault: true }]);
    expect(await first("shipping-options")).toMatchObject([
      { regionId: region.id, taxClassId: classes[0].id, price: { amount: 500, currency: "CHF" } },
    ]);
    expect(await eventsOf(owner, "tenant.created")).toEqual([
      { tenantId: tenant.id, slug: tenant.slug, livemode: true },
    ]);
  });

  test("and its twin for test mode follows, with the same owner and nothing else in common", async () => {
    const live = await newTenant();
    const { twinId } = await live.get("/v1/admin/tenant");
    const login = { tenant: `${live.slug}-test`, email: live.ownerEmail, password };
    const opened = await eventually(async () => {
      const answer = await visitor.call("POST", "/v1/auth/login", { body: login });
      return answer.status === 200 && answer;
    }, 30_000);
    const owner = new Caller(visitor.url, opened.body.accessToken);
    expect(await owner.get("/v1/admin/tenant")).toMatchObject({ id: twinId, livemode: false, twinId: live.id });
    const { key } = await owner.post("/v1/admin/api-keys", { kind: "secret", name: "test" });
    expect(key).toMatch(/^sk_test_/);
    expect((await owner.get("/v1/admin/api-keys")).data).toHaveLength(1);
  });
});

describe("a tenant is not signed up", () => {
  test("under a name that another one has, live or in test mode", async () => {
    const { slug } = await newTenant();
    expect(await signUp(newBody({ tenant: { slug } }))).toBe("409 tenant.slug_taken");
  });

  test.each(["", "ab", "Mugs", "-mugs", "mugs-", "mu--gs", "mügs", "admin", "mugs-test", "x".repeat(41)])(
    "as %j",
    async (slug) => expect(await signUp(newBody({ tenant: { slug } }))).toBe("422 invalid_request /tenant/slug"),
  );

  test.each([
    ["/tenant/name", { tenant: { name: " " } }],
    ["/tenant/currency", { tenant: { currency: "EURO" } }],
    ["/tenant/country", { tenant: { country: "Germany" } }],
    ["/tenant/status", { tenant: { status: "active" } }],
    ["/email", { email: "ada" }],
    ["/name", { name: "" }],
    ["/password", { password: "1234567" }],
    ["/password", { password: "p".repeat(129) }],
    ["/password", { password: "Passw0rd!" }],
    ["/role", { role: "OWNER" }],
  ])("with a %s like %j", async (pointer, more) => {
    expect(await signUp(newBody(more))).toBe(`422 invalid_request ${pointer}`);
  });

  test("with a password that is made of its own name or the owner's", async () => {
    const slug = unique("mug");
    for (const guess of [slug, `${slug}1`])
      expect(await signUp(newBody({ tenant: { slug }, password: guess }))).toBe("422 invalid_request /password");
    const local = unique("ada");
    const body = newBody({ email: `${local}@shop.test`, password: `${local}!` });
    expect(await signUp(body)).toBe("422 invalid_request /password");
  });
});

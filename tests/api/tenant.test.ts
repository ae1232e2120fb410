import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, inject, test, vi } from "vitest";
import * as z from "zod";
import { newTypeId } from "../../drizzle/typeid.js";
import { createApp } from "../../functions/http/app.js";
import { endpoint } from "../../functions/http/endpoint.js";
import {
  address,
  type Body,
  Cart,
  ifMatch,
  newMember,
  newProduct,
  newTenant,
  newTenants,
  type Tenant,
  unique,
} from "../support/client.js";
import { eventsOf } from "../support/list.js";
import { outcome } from "../support/outcome.js";

vi.hoisted(() => Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: "SILENT", POWERTOOLS_METRICS_DISABLED: "true" }));

const PATH = "/v1/admin/tenant";
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

describe("a tenant", () => {
  test("is read by its staff", async () => {
    const tenant = await mine.get(PATH);
    expect(tenant).toEqual({
      id: mine.id,
      slug: mine.slug,
      name: `Shop ${mine.slug}`,
      status: "trial",
      livemode: true,
      twinId: expect.stringMatching(/^ten_/),
      currency: "EUR",
      country: "DE",
      timeZone: "UTC",
      version: 1,
      createdAt: expect.any(String),
    });
    const member = await newMember(mine, "MEMBER");
    expect(await member.get(PATH)).toEqual(tenant);
    expect(await mine.shop.outcome("GET", PATH)).toBe("403 forbidden");
    expect((await theirs.get(PATH)).id).toBe(theirs.id);
  });

  test("is renamed, and its version counts up", async () => {
    const before = await mine.get(PATH);
    const after = await mine.patch(PATH, { name: " New name " });
    expect(after).toEqual({ ...before, name: "New name", version: before.version + 1 });
    expect(await mine.get(PATH)).toEqual(after);
    expect(await eventsOf(mine, "tenant.updated")).toContainEqual({ tenantId: mine.id });
  });

  test("is changed by those only who saw the version, when they say which", async () => {
    const { version } = await mine.get(PATH);
    expect(await mine.patch(PATH, { name: "First" }, ifMatch(version))).toMatchObject({ version: version + 1 });
    const late = await mine.call("PATCH", PATH, { body: { name: "Second" }, headers: ifMatch(version) });
    expect([outcome(late), late.body.currentVersion]).toEqual(["412 version_stale", version + 1]);
    expect((await mine.get(PATH)).name).toBe("First");
  });

  test.each([
    ["name", " "],
    ["name", "x".repeat(201)],
    ["slug", "other"],
    ["status", "active"],
    ["currency", "USD"],
  ])("has no %s to change into %j", async (field, value) => {
    const body = { name: "x", [field]: value };
    expect(await mine.faults("PATCH", PATH, { body })).toBe(`422 invalid_request /${field}`);
  });

  test("moves to another country until it has sold something, with region, location and rates", async () => {
    const shop = await newTenant({ country: "UK", currency: "GBP" });
    expect((await shop.get(PATH)).country).toBe("GB");
    expect(await shop.patch(PATH, { country: "EL" })).toMatchObject({ country: "GR", version: 2 });
    const first = async (list: string) => (await shop.get(`/v1/admin/${list}`)).data[0];
    expect(await first("regions")).toMatchObject({ name: "Greece", countries: ["GR"], version: 2 });
    expect(await first("locations")).toMatchObject({ country: "GR" });
    const rates = (await shop.get("/v1/admin/tax-rates")).data;
    expect(new Set(rates.map(({ country, rate }: Body) => `${country} ${rate}`))).toEqual(new Set(["GR 2400", "GR 0"]));
    const { variantId } = await newProduct(shop, {
      stock: 1,
      variants: [{ sku: unique("SKU-"), prices: [{ currency: "GBP", amount: 1_000 }] }],
    });
    const cart = await (await Cart.open(shop.shop)).add(variantId);
    const { data } = await cart.shop.get(`${cart.path}/shipping-options`);
    const shippingAddress = { ...address, country: "GR", city: "Athens", postalCode: "105 57" };
    await cart.change({ email: "ada@example.com", shippingAddress, shippingOptionId: data[0].id });
    expect((await cart.complete()).status).toBe(200);
    expect(await shop.outcome("PATCH", PATH, { body: { country: "FR" } })).toBe("409 tenant.country_fixed");
    expect(await shop.patch(PATH, { country: "GR", name: "Still here" })).toMatchObject({ country: "GR", version: 3 });
    expect(await shop.faults("PATCH", PATH, { body: { country: "ZZ" } })).toBe("422 invalid_request /country");
  });

  test("is changed by its administrators", async () => {
    const [member, admin] = [await newMember(mine, "MEMBER"), await newMember(mine, "ADMIN")];
    const body = { name: "By an administrator" };
    expect(await member.outcome("PATCH", PATH, { body })).toBe("403 forbidden");
    expect(await admin.outcome("PATCH", PATH, { body })).toBe("200");
  });
});

describe("an operation that takes no credential, as a plugin may have,", () => {
  const hello = endpoint(
    "get",
    "/v1/store/hello",
    { allow: "tenant", returns: [200, z.object({ hello: z.string() })], summary: "Greet" },
    () => ({ hello: "world" }),
  );
  const app = createApp([{ name: "hello", routes: [hello] }]);
  const { appUrl, proxy, url } = inject("system");
  const DATA_KEY = randomBytes(32).toString("base64url");
  const environment = { STAGE: "test", DATABASE_URL: appUrl, NEON_PROXY: proxy, PUBLIC_URL: url, DATA_KEY };

  async function ask(query: string, headers: Record<string, string> = {}) {
    Object.assign(process.env, environment);
    const response = await app.request(`/v1/store/hello${query}`, { headers });
    return outcome({ status: response.status, body: await response.json() });
  }

  test("is asked for a tenant that is named by id or slug, in a header or in the query", async () => {
    for (const name of [mine.id, mine.slug]) {
      expect(await ask(`?tenant=${name}`)).toBe("200");
      expect(await ask("", { "x-tenant-id": name })).toBe("200");
    }
    expect(await ask("")).toBe("400 tenant_required");
    expect(await ask("?tenant=a")).toBe("400 tenant_name_invalid");
    expect(await ask(`?tenant=${mine.slug}`, { "x-tenant-id": theirs.slug })).toBe("403 tenant_mismatch");
  });

  test("knows no tenant that is not there", async () => {
    for (const name of [unique("none"), newTypeId("ten")])
      expect(await ask(`?tenant=${name}`)).toBe("404 tenant.not_found");
  });
});

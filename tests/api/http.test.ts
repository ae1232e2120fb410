import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Operation, operations, prefixOf } from "../isolation/operation.js";
import { type Answer, Caller, Cart, call, newProduct, newTenants, type Tenant } from "../support/client.js";
import { outcome, tally } from "../support/outcome.js";

/** What every operation answers alike, before its noun is asked. */

let all: Operation[];
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  all = await operations();
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const products = "/v1/admin/products";
const post = (body: unknown, headers: Record<string, string> = {}) => mine.call("POST", products, { body, headers });
const callerOf = ({ path }: Operation) => {
  if (path.startsWith("/v1/store")) return mine.shop.with({ "x-cart-token": "none" });
  return path.startsWith("/v1/admin") ? mine : mine.owner;
};

describe("a problem", () => {
  test("is told as RFC 9457 wants it, with a code, the request's id and a page about the code", async () => {
    const { status, headers, body } = await mine.call("GET", `${products}/${newTypeId("prd")}`);
    expect([status, headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    expect(body).toEqual({
      type: expect.stringMatching(/\/docs\/errors#product\.not_found$/),
      title: "Not Found",
      status: 404,
      detail: expect.any(String),
      code: "product.not_found",
      requestId: headers.get("x-request-id"),
    });
    const page = await fetch(`${mine.url}/docs/errors`);
    expect(await page.text()).toContain('id="product.not_found"');
  });

  test("names each field at fault by its RFC 6901 pointer", async () => {
    const { body } = await post({ name: 1, variants: [{ sku: "" }], "a/b~c": true });
    expect(body.code).toBe("invalid_request");
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      "/a~1b~0c",
      "/name",
      "/variants/0/sku",
    ]);
  });
});

test("every answer says that nobody keeps it, but for documents that are public", async () => {
  for (const operation of all) {
    const path = operation.path.replace(/\{(\w+)\}/g, "none");
    const visitor = new Caller(mine.url, undefined);
    for (const caller of operation.method === "GET" ? [callerOf(operation), visitor] : [visitor]) {
      const { headers } = await caller.call(operation.method, path);
      expect([operation.name, headers.get("cache-control")]).toEqual([operation.name, "no-store"]);
      for (const chosenBy of ["authorization", "x-api-key", "x-cart-token", "x-tenant-id"])
        expect([operation.name, headers.get("vary")?.split(", ")]).toEqual([
          operation.name,
          expect.arrayContaining([chosenBy]),
        ]);
    }
  }
  for (const path of ["/health", "/ready", "/none"])
    expect((await mine.call("GET", path)).headers.get("cache-control")).toBe("no-store");
  for (const path of ["/", "/openapi.json", "/docs", "/docs/errors", "/docs/events", "/.well-known/jwks.json"])
    expect((await mine.call("GET", path)).headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
});

describe("a path", () => {
  test("that is not there is unknown", async () => {
    for (const path of ["/v1", "/v1/admin", "/v1/admin/unicorns", "/v2/admin/products"])
      expect([path, outcome(await mine.call("GET", path))]).toEqual([path, "404 route_unknown"]);
  });

  test("says which methods it has", async () => {
    const wrong = await mine.call("PUT", products);
    expect([outcome(wrong), wrong.headers.get("allow")]).toEqual([
      "405 method_not_allowed",
      "GET, POST, HEAD, OPTIONS",
    ]);
  });

  test("with an id that cannot be one leads nowhere, whatever the operation", async () => {
    const isId = ({ schema }: Operation["params"][number]) => schema.pattern !== undefined; // not: an id or a slug
    const withId = all.filter(({ params }) => params.some(isId));
    const answers: Record<string, string> = {};
    for (const operation of withId) {
      const { name, method, path, params } = operation;
      for (const { name: broken } of params.filter(isId)) {
        const sent = path.replace(/\{(\w+)\}/g, (_, param: string) => {
          const schema = params.find((one) => one.name === param)?.schema ?? {};
          return param === broken ? "1" : newTypeId(prefixOf(schema) ?? "prd");
        });
        const headers = { "idempotency-key": "k", "if-match": '"1"' };
        answers[`${name} {${broken}}`] = outcome(await callerOf(operation).call(method, sent, { headers }));
      }
    }
    expect(withId.length).toBeGreaterThan(25);
    expect(new Set(Object.values(answers))).toEqual(new Set(["404 resource.not_found"]));
  });
});

describe("a body", () => {
  const deep = (depth: number) => `{"name":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));

  test.each<[what: string, body: unknown, outcome: string]>([
    ["that is cut off", '{"name":"x', "400 json_invalid"],
    ["that is no JSON", "name=x", "400 json_invalid"],
    ["whose prototype is set", '{"__proto__":{}}', "400 json_invalid"],
    ["nested 33 deep", deep(32), "400 json_too_deep"],
    ["nested 32 deep", deep(31), "422 invalid_request"],
    ["of 10,001 members", many(10_001), "400 json_too_large"],
    ["with an object of 201 members", many(201), "400 json_too_large"],
    ["with an object of 200 members", many(200), "422 invalid_request"],
    ["with an array of 501 elements", { name: Array(501).fill(0) }, "400 json_too_large"],
    ["with an array of 500 elements", { name: Array(500).fill(0) }, "422 invalid_request"],
    ["with U+0000", '{"name":"a\\u0000b"}', "400 text_invalid"],
    ["with half a surrogate pair", '{"name":"\\ud83d"}', "400 text_invalid"],
    ["of 262,145 bytes", `{"name":"${"x".repeat(262_145 - 11)}"}`, "413 body_too_large"],
    ["of 262,144 bytes", `{"name":"${"x".repeat(262_144 - 11)}"}`, "422 invalid_request"],
    ["that is not there", undefined, "422 invalid_request"],
  ])("%s", async (_, body, expected) => {
    expect(outcome(await post(body))).toBe(expected);
  });

  test("with hundreds of faults names fifty of them, in few words, and counts the others", async () => {
    const { text, body } = await post(many(200));
    expect([body.errors.length, body.more, text.length < 10_000]).toEqual([50, 151, true]); // and the name is missing
    const long = Object.fromEntries(Object.keys(many(200)).map((name) => [`${name}${"~".repeat(1_000)}`, 1]));
    const { text: cut, body: problem } = await post(long);
    expect([problem.code, problem.more, cut.length < 64 * 1024]).toEqual(["invalid_request", 151, true]);
  });

  test("is application/json", async () => {
    const as = (type: string) => post('{"name":"Typed"}', { "content-type": type });
    expect(tally([await as("text/plain"), await as("application/xml")])).toEqual({ "400 content_type_unsupported": 2 });
    const good = [await as("application/json; charset=utf-8"), await as("application/merge-patch+json")];
    expect(tally(good)).toEqual({ "201": 2 });
  });

  test("is refused where none is taken, and an empty one is none", async () => {
    const logout = (body: unknown) => mine.owner.call("POST", "/v1/admin/payments/account", { body });
    expect(outcome(await logout({ capture: "manual" }))).toBe("400 body_unexpected");
    expect(outcome(await mine.call("GET", "/v1/admin/payments/account"))).toBe("404 payment_account.not_found");
    expect((await logout({})).status).toBe(200);
  });
});

describe("a query", () => {
  const list = (query: string) => mine.call("GET", `${products}?${query}`);

  test("has each parameter once, and none that nobody knows", async () => {
    expect(outcome(await list("limit=1&limit=2"))).toBe("400 parameter_repeated");
    const many = Array.from({ length: 51 }, (_, at) => `k${at}=1`);
    expect(outcome(await list(many.join("&")))).toBe("400 parameters_too_many");
    expect(outcome(await list(many.slice(1).join("&")))).toBe("422 invalid_request");
    for (const query of ["limit=0", "limit=101", "limit=ten", "colour=red", "status=sold"])
      expect([query, outcome(await list(query))]).toEqual([query, "422 invalid_request"]);
    expect(outcome(await list("status=%00"))).toBe("400 text_invalid");
  });

  test("has a cursor of the same list, filters and tenant", async () => {
    await Promise.all([mine, mine, theirs, theirs].map((tenant) => newProduct(tenant)));
    const cursorOf = async (caller: Caller, path: string) => (await caller.get(`${path}?limit=1`)).nextCursor as string;
    const own = await cursorOf(mine, products);
    const cursors = [
      await cursorOf(theirs, products),
      await cursorOf(mine, "/v1/admin/tax-classes"),
      `${own}x`,
      own.replace(/^./, (first) => (first === "A" ? "B" : "A")),
      "eyJpZCI6MX0",
    ];
    const answers: Answer[] = [];
    for (const cursor of cursors) answers.push(await list(`limit=1&cursor=${encodeURIComponent(cursor)}`));
    answers.push(await list(`limit=1&status=active&cursor=${encodeURIComponent(own)}`));
    expect(tally(answers)).toEqual({ "400 cursor_invalid": 6 });
    expect((await list(`limit=1&cursor=${encodeURIComponent(own)}`)).status).toBe(200);
  });
});

describe("If-Match", () => {
  test("is one version, weak or strong, with or without quotes", async () => {
    const { productId } = await newProduct(mine);
    const rename = (version: string) =>
      mine.call("PATCH", `${products}/${productId}`, { body: { name: "New" }, headers: { "if-match": version } });
    const { version } = await mine.get(`${products}/${productId}`);
    const answers = [await rename("one"), await rename('"1", "2"'), await rename('"1.0"'), await rename('"-1"')];
    expect(tally(answers)).toEqual({ "400 if_match_invalid": 4 });
    const stale = await rename(`"${version + 1}"`);
    expect([outcome(stale), stale.body.currentVersion]).toEqual(["412 version_stale", version]);
    const etag = (await mine.call("GET", `${products}/${productId}`)).headers.get("etag") ?? "";
    const forms = [etag, `W/"${version + 1}"`, String(version + 2), "*"];
    for (const [index, form] of forms.entries()) {
      const { status, headers, body } = await rename(form);
      const next = version + index + 1;
      expect([form, status, body.version, headers.get("etag")?.split(".")[0]]).toEqual([form, 200, next, `"${next}`]);
    }
  });

  test("is required where many hands change one thing", async () => {
    const cart = await Cart.open(mine.shop);
    const change = (headers: Record<string, string>) =>
      cart.shop.call("PATCH", cart.path, { body: { email: "ada@example.com" }, headers });
    expect(outcome(await change({}))).toBe("428 version_required");
    expect(outcome(await change({ "if-match": "*" }))).toBe("200");
  });
});

describe("Idempotency-Key", () => {
  const adjust = (headers: Record<string, string>, variantId = newTypeId("var")) =>
    mine.call("POST", "/v1/admin/inventory/adjustments", {
      body: { adjustments: [{ variantId, delta: 1 }], reason: "received" },
      headers,
    });

  test("is required where stock or money moves, has its form, and stands for one request", async () => {
    const { variantId } = await newProduct(mine);
    expect(outcome(await adjust({}))).toBe("400 idempotency_key_required");
    expect(outcome(await adjust({ "idempotency-key": "two words" }))).toBe("400 idempotency_key_invalid");
    const key = { "idempotency-key": "stock-of-the-morning" };
    const [first, again] = [await adjust(key, variantId), await adjust(key, variantId)];
    expect([first.status, again.text, again.headers.get("idempotent-replayed")]).toEqual([200, first.text, "true"]);
    expect(outcome(await adjust(key))).toBe("422 idempotency_key_reused");
  });
});

test("who asks without a credential, or with one that does not serve here, is told so", async () => {
  const visitor = new Caller(mine.url, undefined);
  const answers = [
    await visitor.call("GET", products),
    await mine.shop.call("GET", products),
    await call("GET", mine.url + products, { headers: { "x-api-key": "sk_unknown" } }),
  ];
  expect(answers.map(outcome)).toEqual(["401 unauthenticated", "403 forbidden", "401 credential_malformed"]);
  for (const { status, headers } of answers)
    expect(headers.get("www-authenticate")).toBe(status === 401 ? 'Bearer realm="stoa"' : null);
});

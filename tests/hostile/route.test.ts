import { beforeAll, describe, expect, test } from "vitest";
import { type Operation, operations } from "../isolation/operation.js";
import { newMember, newTenants, type Tenant } from "../support/client.js";
import { expectSound } from "./sound.js";
import { type RawAnswer, raw } from "./wire.js";

/** Paths, methods and headers that nobody was meant to send. */

let all: Operation[];
let mine: Tenant;
let theirs: Tenant;
const filled = (path: string) => path.replace(/\{\w+\}/g, "x");

beforeAll(async () => {
  all = await operations();
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const credential = () => ["authorization", `Bearer ${mine.credential}`] as const;
const send = (method: string, path: string, ...headers: (readonly [string, string])[]) =>
  raw({ method, path, headers: [credential(), ...headers] });

describe("methods", () => {
  test("a path answers its own methods, and says which they are", async () => {
    const answers: Record<string, RawAnswer> = {};
    for (const path of new Set(all.map((operation) => operation.path))) {
      const own = all.filter((operation) => operation.path === path).map(({ method }) => method);
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"].filter((one) => !own.includes(one))) {
        const answer = await send(method, filled(path));
        answers[`${method} ${path}`] = answer;
        const allow = answer.headers.allow?.split(", ") ?? [];
        const expected = [...own, ...(own.includes("GET") ? ["HEAD"] : []), "OPTIONS"].sort();
        expect([method, path, answer.status, allow.sort()]).toEqual([method, path, 405, expected]);
      }
    }
    for (const path of ["/health", "/ready", "/openapi.json", "/docs", "/.well-known/jwks.json"]) {
      const answer = await send("POST", path);
      answers[path] = answer;
      expect([path, answer.status]).toEqual([path, 405]);
    }
    expectSound(answers);
    expect(Object.keys(answers).length).toBeGreaterThan(150);
  });

  test("nothing is echoed, nor tunnelled", async () => {
    for (const method of ["TRACE", "TRACK", "CONNECT"]) {
      const { status, text } = await send(method, "/v1/admin/products", ["x-secret", "hush"]);
      expect([method, [0, 400, 405].includes(status), text.includes("hush")]).toEqual([method, true, false]);
    }
  });

  test("no header turns one method into another", async () => {
    const product = await mine.post("/v1/admin/products", { name: "Stays" });
    const path = `/v1/admin/products/${product.id}`;
    for (const name of ["x-http-method-override", "x-http-method", "x-method-override", "_method"]) {
      const { status } = await send("GET", path, [name, "DELETE"]);
      expect([name, status]).toEqual([name, 200]);
    }
    expect((await send("GET", `${path}?_method=DELETE`)).status).toBe(422);
    expect((await mine.get(path)).version).toBe(product.version);
  });

  test("HEAD is GET without a body, and OPTIONS tells a browser what it may", async () => {
    const head = await send("HEAD", "/v1/admin/products");
    expect([head.status, head.text]).toEqual([200, ""]);
    const preflight = await raw({
      method: "OPTIONS",
      path: "/v1/store/carts",
      headers: [
        ["origin", "https://shop.test"],
        ["access-control-request-method", "POST"],
      ],
    });
    expect([preflight.status, preflight.headers["access-control-allow-origin"]]).toEqual([204, "*"]);
    expect(preflight.headers["access-control-allow-credentials"]).toBeUndefined();
  });
});

describe("paths", () => {
  const strange = [
    "/",
    "/v1",
    "/v2/admin/products",
    "/v1/admin",
    "/v1/admin/nothing",
    "/v1/admin/products/x/y/z",
    "/V1/ADMIN/PRODUCTS",
    "/v1//admin/products",
    "//v1/admin/products",
    "/v1/admin/../admin/products",
    "/v1/admin/%2e%2e/admin/products",
    "/v1/admin/..%2fproducts",
    "/v1/admin/products%00",
    "/v1/admin/products/%00",
    "/v1/admin/products/%0d%0aset-cookie:%20a=b",
    "/v1/admin/products/%ff",
    "/v1/admin/products/%c0%af",
    "/v1/admin/products/%ed%a0%80",
    "/v1/admin/products/%",
    "/v1/admin/products/%zz",
    "/v1/admin/products/%25%30%30",
    "/v1/admin/products/prd_%2e%2e",
    "/v1/admin/products/;id=1",
    "/v1/admin/products/:id",
    "/v1/admin/products/{id}",
    "/v1/admin/products/*",
    "/v1/admin/products/__proto__",
    "/v1/admin/products/constructor",
    `/v1/admin/products/${"a".repeat(5_000)}`,
    "/v1/store/products/%00",
    "/v1/store/products/%F0%9F%91%BD",
    "/.env",
    "/.git/config",
    "/docs/../core/kernel/config.ts",
    "/docs/%2e%2e/%2e%2e/package.json",
    "/docs/swagger-ui.css/../../package.json",
    "/openapi.json/x",
    "/.well-known/openid-configuration",
    "/wp-login.php",
  ];
  const queries = [
    "?a=%00",
    "?cursor=%00",
    "?status=%ff",
    "?%00=1",
    "?cursor=%ed%a0%80",
    "?limit=%31%00",
    "?=1",
    "?limit",
    "?&&&",
    "?limit=1;limit=2",
    "?cursor=%",
  ];

  test("a path that is not there is a problem, never an error of ours", async () => {
    const answers: Record<string, RawAnswer> = {};
    for (const path of strange) answers[path] = await send("GET", path);
    for (const query of queries) answers[query] = await send("GET", `/v1/admin/products${query}`);
    expectSound(answers, [400]); // the gateway refuses what does not decode
    const found = Object.entries(answers).filter(([, { status }]) => status < 300);
    // Dots are resolved (RFC 3986 §5.2.4) before anything is decided.
    expect(found.map(([path]) => path)).toEqual([
      "/", // the list of pages for people
      "/v1/admin/../admin/products",
      "/v1/admin/%2e%2e/admin/products",
      "?&&&",
    ]);
    expect(answers["/v1/admin/nothing"]?.status).toBe(404);
    for (const { headers } of Object.values(answers)) expect(headers["set-cookie"]).toBeUndefined();
  });

  test("an id is this id, letter by letter", async () => {
    const { id } = await mine.post("/v1/admin/products", { name: "One" });
    const [prefix, suffix] = id.split("_");
    const upper = `${prefix}_${suffix.toUpperCase()}`;
    for (const other of [
      upper,
      ` ${id}`,
      `${id} `,
      `${id}/`,
      `PRD_${suffix}`,
      `ord_${suffix}`,
      suffix,
      `${id}x`,
      `${id}%20`,
      `${id}%00`,
    ]) {
      const { status } = await send("GET", `/v1/admin/products/${other.replaceAll(" ", "%20")}`);
      expect([other, other.endsWith("/") || status === 404]).toEqual([other, true]);
    }
  });
});

describe("headers", () => {
  test("none says who is asking, from where, or for whom", async () => {
    const member = await newMember(mine, "MEMBER");
    const spoofs: [string, string][] = [
      ["x-user-id", "1"],
      ["x-role", "OWNER"],
      ["x-member-id", theirs.id],
      ["x-tenant", theirs.id],
      ["x-stoa-tenant", theirs.id],
      ["x-scopes", "members:write"],
      ["x-original-url", "/v1/admin/api-keys"],
      ["x-rewrite-url", "/v1/admin/api-keys"],
      ["x-forwarded-host", "evil.test"],
      ["x-forwarded-proto", "https"],
      ["x-forwarded-prefix", "/v1/admin"],
      ["x-amzn-request-context", JSON.stringify({ authorizer: { tenantId: theirs.id } })],
      ["x-amzn-oidc-identity", theirs.id],
      ["x-amzn-trace-id", "Root=1-00000000-000000000000000000000000"],
      ["x-apigateway-event", "{}"],
      ["x-lambda-event", JSON.stringify({ requestContext: { http: { sourceIp: "10.0.0.1" } } })],
      ["x-request-id", "req_mine"],
      ["cookie", `tenant=${theirs.id}; session=1`],
      ["host", "evil.test"],
    ];
    const ask = (path: string, ...headers: [string, string][]) =>
      raw({ path, headers: [["authorization", `Bearer ${member.credential}`], ...headers] });
    const me = (await ask("/v1/auth/me")).text;
    for (const spoof of spoofs) {
      const answer = await ask("/v1/auth/me", spoof);
      expect([spoof[0], answer.status, answer.text]).toEqual([spoof[0], 200, me]);
      expect(answer.headers["x-request-id"]).not.toBe("req_mine");
      expect([spoof[0], (await ask("/v1/admin/events", spoof)).status]).toEqual([spoof[0], 403]);
    }
  });

  test("none breaks an answer apart", async () => {
    const answers: Record<string, RawAnswer> = {};
    const wild = [
      "'",
      '"',
      "\\",
      "%00",
      "é",
      "\u00ff",
      "x".repeat(4_000),
      "a,b",
      "*",
      '""',
      '"-1"',
      '"1e3"',
      '"99999999999"',
    ];
    for (const name of [
      "if-match",
      "if-none-match",
      "idempotency-key",
      "x-cart-token",
      "x-tenant-id",
      "traceparent",
      "accept",
      "content-type",
      "origin",
      "range",
    ])
      for (const value of wild)
        answers[`${name}: ${value.slice(0, 20)}`] = await send("GET", "/v1/admin/products", [name, value]);
    answers["12 KB of them"] = await send("GET", "/v1/admin/products", ["x-long", "x".repeat(12_000)]);
    answers["a null byte"] = await send("GET", "/v1/admin/products", ["x-null", "a\u0000b"]);
    expectSound(answers, [400, 431]);
  });
});

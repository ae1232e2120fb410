import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needs } from "../core/kernel/config.js";
import { type Bundle, bundle } from "../stacks/local/lambda/bundle.js";
import { type FunctionName, type FunctionSpec, functions } from "../stacks/topology.js";

/**
 * Bytes: about 15 % above what each entry had when its budget was set. A new package shows here first. The countries with
 * their addresses are 43 kB of each entry that has the modules, the pages of the documents 40 kB of the API.
 */
const budgets: Record<FunctionName, number> = {
  api: 1_750_000,
  events: 1_450_000,
  jobs: 1_740_000,
  relay: 910_000,
  schedule: 1_320_000,
  stripe: 1_320_000,
  migrate: 940_000, // the modules, of which it reads the tables; the words of the fields are in them
};

const names = Object.keys(functions) as FunctionName[];
const report: string[] = [];
let bundles: Record<FunctionName, Bundle>;

beforeAll(async () => {
  bundles = await bundle();
});

afterAll(() => console.log(report.join("\n")));

/** Loads a bundle with nothing but Node and calls its handler once, as Lambda does; the answer comes on a pipe. */
const lambda = `
  import { writeFileSync } from "node:fs";
  const { url, name, event } = JSON.parse(process.argv[1]);
  const context = { awsRequestId: "one", functionName: name, getRemainingTimeInMillis: () => 20_000 };
  const say = (result) => writeFileSync(3, JSON.stringify(result)); // a pipe may take less in one write
  try {
    const since = performance.now();
    const handler = (await import(url))[name];
    const loaded = performance.now() - since;
    say({ loaded, answer: await handler(event, context) });
  } catch (error) {
    say({ error: error.name + ": " + error.message });
  }
  process.exit();
`;

interface Result {
  readonly loaded: number;
  readonly answer: {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
    isBase64Encoded: boolean;
    batchItemFailures: unknown[];
  };
  readonly error?: string;
}

function run(name: FunctionName, env: Record<string, string>, event: unknown = {}): Result & { out: string } {
  const { root, file, export: handler } = bundles[name];
  const input = JSON.stringify({ url: pathToFileURL(file).href, name: handler, event });
  const { output, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", lambda, input], {
    cwd: root,
    env: { ...env, PATH: process.env.PATH, AWS_REGION: "eu-west-1", LAMBDA_TASK_ROOT: root },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    encoding: "utf8",
    timeout: 20_000,
  });
  const [, out = "", trouble = "", result = ""] = output.map(String);
  if (!result) throw new Error(`${name} ended with ${status}: ${trouble}`);
  return { ...JSON.parse(result), out };
}

/** Fits the schema; nothing listens there. */
const env = {
  STAGE: "test",
  DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none",
  RELAY_DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none",
  NUDGE_QUEUE_URL: "http://127.0.0.1:1/nudge",
  JOBS_QUEUE_URL: "http://127.0.0.1:1/jobs",
  BUS_NAME: "test",
  TOKEN_KEYS: '{"keys":[]}',
  DATA_KEY: "A".repeat(43),
  PUBLIC_URL: "https://api.test",
  MAIL_FROM: "shop@api.test",
  STRIPE_SECRET_KEY: "sk_test_none",
  STRIPE_PUBLISHABLE_KEY: "pk_test_none",
  STRIPE_WEBHOOK_SECRETS: "whsec_platform",
  STRIPE_CONNECT_WEBHOOK_SECRETS: "whsec_connect",
};

const request = (method: string, path: string) => ({
  version: "2.0",
  routeKey: "$default",
  rawPath: path,
  rawQueryString: "",
  headers: { host: "api.test", accept: "*/*" },
  requestContext: {
    accountId: "anonymous",
    apiId: "test",
    domainName: "api.test",
    requestId: "one",
    stage: "$default",
    http: { method, path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
  },
  isBase64Encoded: false,
});

const get = (path: string) => request("GET", path);
const post = (path: string) => request("POST", path);

const batch = (body: string) => ({
  Records: [
    {
      messageId: "one",
      receiptHandle: "one",
      body,
      attributes: { ApproximateReceiveCount: "1" },
      messageAttributes: {},
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:test",
      awsRegion: "eu-west-1",
    },
  ],
});

/** Bytes in a bundle by npm package; the project's own code has the name of its top folder. */
function contents({ inputs }: Bundle): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const [path, bytes] of Object.entries(inputs)) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? `${path.split("/")[0]}/`;
    sizes.set(name, (sizes.get(name) ?? 0) + bytes);
  }
  return sizes;
}

describe.each(names)("%s", (name) => {
  test("stays within its budget", () => {
    const { bytes } = bundles[name];
    const largest = [...contents(bundles[name])].sort(([, a], [, b]) => b - a).slice(0, 5);
    const list = largest.map(([name, size]) => `${name} ${Math.round(size / 1000)}`).join(", ");
    report.push(`${name}: ${Math.round(bytes / 1000)} kB of ${Math.round(budgets[name] / 1000)} (${list})`);
    expect(bytes).toBeLessThan(budgets[name]);
    expect(bytes, "a budget that is far too large warns of nothing").toBeGreaterThan(budgets[name] * 0.7);
  });

  test("has what it needs inside, and nothing that it must not have", () => {
    const packages = [...contents(bundles[name]).keys()];
    // argon2 is native: inlined it could not load. Word lists and tables of scripts are a megabyte that few requests need.
    const beside = ["@node-rs/argon2", "@zxcvbn-ts/core", "@zxcvbn-ts/language-common", "any-ascii"];
    const foreign = [...beside, "swagger-ui-dist", "pg", "esbuild", "vitest", "sst", "tests/", "stacks/"];
    expect(packages.filter((found) => foreign.includes(found))).toEqual([]);
    const web = packages.filter((found) => found === "hono" || found.startsWith("@hono/"));
    expect(web).toEqual(name === "api" ? ["hono"] : []);
    // A quarter of a megabyte, for those who call Stripe; the webhook compares signatures only.
    expect(packages.includes("stripe")).toBe(name === "api" || name === "jobs");
    // Ours, not the one that the runtime brings: a deployment is tested with what it runs with.
    expect(packages.some((found) => found.startsWith("@aws-sdk/"))).toBe(name !== "migrate");
  });

  test("names what its environment lacks", () => {
    const { error } = run(name, {});
    const required = needs[name].filter((variable) => variable in env);
    expect(error).toMatch(/^ConfigError: /);
    for (const variable of required) expect(error).toContain(`${variable}: is not set`);
  });
});

test("api answers events of API Gateway", () => {
  const health = run("api", env, get("/health"));
  expect(health.answer).toMatchObject({ statusCode: 200 });
  expect(JSON.parse(health.answer.body)).toEqual({ status: "ok" });

  const { answer } = run("api", env, get("/openapi.json"));
  expect(Object.keys(JSON.parse(answer.body).paths)).toContain("/v1/store/products");
  for (const path of ["/docs", "/docs/page.css", "/docs/icon.svg", "/docs/swagger-ui.css"])
    expect(run("api", env, get(path)).answer.statusCode).toBe(200);
  const errors = run("api", env, get("/docs/errors")).answer.body;
  expect(errors).toContain('<h2 id="product.slug_taken">product.slug_taken</h2>\n<p>409. ');
  expect(errors).toContain("&quot;3&quot;");
  expect(run("api", env, get("/nothing")).answer.statusCode).toBe(404);
});

test("api compresses large answers, knows what a client has, and leaves small ones alone", () => {
  const ask = (path: string, headers: Record<string, string>) => run("api", env, { ...get(path), headers }).answer;
  const plain = ask("/docs/swagger-ui.css", {});
  expect(plain.isBase64Encoded).toBe(false);
  for (const [accepted, unpack] of [
    ["gzip, deflate", gunzipSync],
    ["gzip, deflate, br", brotliDecompressSync],
  ] as const) {
    const { body, headers, isBase64Encoded } = ask("/docs/swagger-ui.css", { "accept-encoding": accepted });
    expect(isBase64Encoded).toBe(true);
    expect(accepted.split(", ")).toContain(headers["content-encoding"]);
    expect(headers.vary).toContain("accept-encoding");
    expect(unpack(Buffer.from(body, "base64")).toString()).toBe(plain.body);
    expect(body.length).toBeLessThan(plain.body.length / 4);
  }
  const again = ask("/docs/swagger-ui.css", { "if-none-match": plain.headers.etag ?? "" });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
  for (const accepted of ["br;q=0, gzip;q=0.0"])
    expect(ask("/docs/swagger-ui.css", { "accept-encoding": accepted }).headers["content-encoding"]).toBeUndefined();
  const small = ask("/health", { "accept-encoding": "gzip, br" });
  expect([small.isBase64Encoded, small.headers["content-encoding"]]).toEqual([false, undefined]);
});

test("stripe refuses what nobody signed, without a database", () => {
  const { answer, out } = run("stripe", env, { ...post("/connect"), body: '{"id":"evt_1"}' });
  expect(answer).toMatchObject({ statusCode: 400, headers: { "content-type": "application/problem+json" } });
  expect(out).toContain("StripeSignatureFailures");
});

test.each(["events", "jobs"] as const)("%s acknowledges and counts a message that nobody can read", (name) => {
  for (const body of ["{", "{}", '{"detail":{"tenantId":"ten_1"}}']) {
    const { answer, out } = run(name, env, batch(body));
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(out).toContain("MessagesDiscarded");
  }
});

test.each(["relay", "schedule", "migrate"] as const)("%s says that it cannot reach its database", (name) => {
  const { error } = run(name, { ...env, MIGRATE_DATABASE_URL: env.DATABASE_URL, NEON_PROXY: "127.0.0.1:1" });
  expect(error).toMatch(/ECONNREFUSED|The database cannot be reached|Error connecting to database/);
});

test.each(names)("the files that %s reads lie in its package", (name) => {
  const { copy = [] }: FunctionSpec = functions[name];
  expect(copy.filter(({ to }) => !existsSync(join(bundles[name].root, to)))).toEqual([]);
});

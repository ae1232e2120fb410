import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LogLine, startEnvironment } from "../../../stacks/local/lambda/environment.js";
import { type Gateway, startGateway } from "../../../stacks/local/lambda/gateway.js";
import { createPool, type Pool } from "../../../stacks/local/lambda/pool.js";

const handler = `
let served = 0;
export const handler = async (event, context) => {
  served += 1;
  const { rawPath: path, queryStringParameters: query = {} } = event;
  if (path === "/crash") process.exit(3);
  if (path === "/throw") throw new TypeError("broken");
  if (path === "/hang") await new Promise(() => setInterval(() => {}, 1000));
  if (path === "/slow") await new Promise((resolve) => setTimeout(resolve, Number(query.ms)));
  if (path === "/bare") return { hello: "world" };
  if (path === "/huge") return "x".repeat(7 * 1024 * 1024);
  if (path === "/binary") return { statusCode: 200, headers: { "Content-Type": "image/png" }, isBase64Encoded: true, body: "iVBORw==" };
  if (path === "/cookies") return { statusCode: 204, cookies: ["a=1; HttpOnly", "b=2"] };
  console.log(JSON.stringify({ path, left: context.getRemainingTimeInMillis(), arn: context.invokedFunctionArn }));
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ event, served, pid: process.pid, env: process.env }) };
};`;

const dir = mkdtempSync(join(tmpdir(), "gateway-"));
const file = join(dir, "handler.mjs");
const lines: LogLine[] = [];
let pool: Pool;
let gateway: Gateway;
let url: string;

beforeAll(async () => {
  writeFileSync(file, handler);
  const start = () =>
    startEnvironment({
      function: "api",
      file,
      export: "handler",
      env: { STAGE: "test" },
      onLine: (line) => lines.push(line),
    });
  pool = createPool({ function: "api", maximum: 4, timeoutMs: 1000, start });
  gateway = await startGateway();
  url = `http://127.0.0.1:${gateway.port}`;
});

afterAll(async () => {
  await pool.stop();
  await gateway.stop();
  rmSync(dir, { recursive: true });
});

interface Echo {
  event: APIGatewayProxyEventV2;
  served: number;
  pid: number;
  env: Record<string, string>;
}
const echo = async (path: string, init?: RequestInit) => (await (await fetch(url + path, init)).json()) as Echo;

test("answers 503 until something serves", async () => {
  expect((await fetch(url)).status).toBe(503);
  gateway.serve(pool);
  expect((await fetch(url)).status).toBe(200);
});

test("makes the event that API Gateway makes", async () => {
  const headers = {
    cookie: "a=1; b=2",
    "X-Thing": "yes",
    "content-type": "application/json",
    "x-forwarded-for": "9.9.9.9",
  };
  const { event } = await echo("/v1/a%20b%2Fc?x=1&x=2&y=%C3%A9", { method: "POST", headers, body: '{"é":1}' });
  expect(event).toMatchObject({
    version: "2.0",
    routeKey: "$default",
    rawPath: "/v1/a b/c",
    rawQueryString: "x=1&x=2&y=%C3%A9",
    queryStringParameters: { x: "1,2", y: "é" },
    cookies: ["a=1", "b=2"],
    body: '{"é":1}',
    isBase64Encoded: false,
    requestContext: {
      stage: "$default",
      http: { method: "POST", path: "/v1/a b/c", protocol: "HTTP/1.1", sourceIp: "127.0.0.1" },
    },
  });
  expect(event.headers).toMatchObject({
    "x-thing": "yes",
    "content-length": "8",
    "x-forwarded-for": "9.9.9.9, 127.0.0.1",
  });
  expect(event.headers.cookie).toBeUndefined();
  expect(event.requestContext.time).toMatch(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);
  expect(Math.abs(event.requestContext.timeEpoch - Date.now())).toBeLessThan(5000);
});

test("cuts a decoded path at its question mark, and refuses one that cannot be decoded", async () => {
  expect((await echo("/a%3Fadmin=true?x=1")).event).toMatchObject({ rawPath: "/a", rawQueryString: "x=1" });
  const broken = await fetch(`${url}/%zz`);
  expect([broken.status, await broken.json()]).toEqual([400, { message: "Bad Request" }]);
});

test("joins equal headers by a comma", async () => {
  const body = await new Promise<string>((resolve) => {
    const call = httpRequest(url, { headers: { "x-api-key": ["one", "two"] } }, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve(text);
    });
    call.end();
  });
  expect((JSON.parse(body) as Echo).event.headers["x-api-key"]).toBe("one,two");
});

test.each([
  ["application/json; charset=utf-8", false],
  ["text/csv", false],
  ["application/x-www-form-urlencoded", true],
  ["application/octet-stream", true],
  ["application/merge-patch+json", true],
])("a body of %s is base64: %s", async (type, encoded) => {
  const { event } = await echo("/", { method: "POST", headers: { "content-type": type }, body: "a=1" });
  expect([event.isBase64Encoded, event.body]).toEqual([encoded, encoded ? "YT0x" : "a=1"]);
});

test("a text that is not UTF-8 keeps its bytes", async () => {
  const { event } = await echo("/", {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: Buffer.of(0xff, 0xfe),
  });
  expect([event.isBase64Encoded, event.body]).toEqual([true, "//4="]);
});

test("refuses what is larger than AWS takes", async () => {
  const send = async (megabytes: number) =>
    (await fetch(url, { method: "POST", body: Buffer.alloc(megabytes * 2 ** 20) })).status;
  expect([await send(11), await send(5), await send(4)]).toEqual([413, 413, 200]);
  expect((await fetch(url, { headers: { "x-long": "a".repeat(12_000) } })).status).toBe(431);
});

test("turns answers into HTTP", async () => {
  const bare = await fetch(`${url}/bare`);
  expect([bare.headers.get("content-type"), await bare.json()]).toEqual(["application/json", { hello: "world" }]);
  const binary = await fetch(`${url}/binary`);
  expect(Buffer.from(await binary.arrayBuffer())).toEqual(Buffer.of(0x89, 0x50, 0x4e, 0x47));
  const cookies = await fetch(`${url}/cookies`);
  expect([cookies.status, cookies.headers.getSetCookie()]).toEqual([204, ["a=1; HttpOnly", "b=2"]]);
  const head = await fetch(`${url}/bare`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect(bare.headers.get("apigw-requestid")).toBeTruthy();
});

test.each(["/throw", "/crash", "/hang", "/huge"])(
  "%s is an internal error, and the next request is served",
  async (path) => {
    const answer = await fetch(url + path);
    expect([answer.status, await answer.json()]).toEqual([500, { message: "Internal Server Error" }]);
    expect((await fetch(url)).status).toBe(200);
  },
);

test("the log has the function's lines and the reason of a failure", async () => {
  await fetch(`${url}/throw`);
  await expect.poll(() => lines.map(({ text }) => text).join("\n")).toContain('"errorMessage":"broken"');
  const line = JSON.parse(lines.find(({ text }) => text.startsWith('{"path"'))?.text ?? "{}");
  expect(line.left).toBeGreaterThan(500);
  expect(line.arn).toBe("arn:aws:lambda:us-east-1:000000000000:function:api");
});

test("the environment of a function is what Lambda and the host set, and nothing else", async () => {
  const { env } = await echo("/");
  expect(env).toMatchObject({
    STAGE: "test",
    AWS_REGION: "us-east-1",
    AWS_LAMBDA_FUNCTION_NAME: "api",
    _HANDLER: "api.handler",
  });
  expect(env.HOME).toBeUndefined();
  expect(env.VITEST).toBeUndefined();
});

test("one request at a time in each environment, as many environments as wait, warm ones again", async () => {
  pool.killAll();
  const slow = await Promise.all(Array.from({ length: 8 }, () => echo("/slow?ms=200")));
  const pids = new Set(slow.map(({ pid }) => pid));
  expect(pids.size).toBe(4);
  expect(slow.reduce((sum, { served }) => Math.max(sum, served), 0)).toBeGreaterThan(1);
  expect(new Set([(await echo("/")).pid, (await echo("/")).pid]).size).toBe(1);
});

test("an environment that is killed is replaced; the request it had fails", async () => {
  await echo("/");
  const pending = fetch(`${url}/slow?ms=800`);
  await sleep(100);
  for (const { pid, busy } of pool.environments()) if (busy) process.kill(pid, "SIGKILL");
  expect((await pending).status).toBe(500);
  expect((await fetch(url)).status).toBe(200);
});

test("a client that goes away, and one that talks nonsense, disturb nobody", async () => {
  await expect(fetch(`${url}/slow?ms=300`, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(gateway.port, "127.0.0.1", () => socket.write("NONSENSE\r\n\r\n"));
    socket.on("data", (data) => resolve(data.toString()));
  });
  expect(answer).toMatch(/^HTTP\/1.1 400/);
  expect((await fetch(url)).status).toBe(200);
});

test("the URL of a function: its own event, its own limit, its own words for a failure", async () => {
  const own = await startGateway({ endpoint: "url" });
  try {
    own.serve(pool);
    const at = `http://127.0.0.1:${own.port}`;
    const answer = await fetch(`${at}/connect`, { method: "POST", body: "{}" });
    const { event } = (await answer.json()) as Echo;
    expect(event).toMatchObject({ version: "2.0", rawPath: "/connect", requestContext: { accountId: "anonymous" } });
    expect(answer.headers.get("x-amzn-requestid")).toBe(event.requestContext.requestId);
    expect((await fetch(`${at}/throw`)).status).toBe(502);
    const large = await fetch(at, { method: "POST", body: "x".repeat(6 * 1024 * 1024 + 1) });
    expect(large.status).toBe(413);
  } finally {
    await own.stop();
  }
});

test("a port that somebody chose is taken or refused, and no other one is taken in its place", async () => {
  const { port } = gateway;
  await expect(startGateway({ port, exact: true })).rejects.toThrow(`Port ${port} is in use`);
  const next = await startGateway({ port, host: "0.0.0.0" });
  expect(next.port).not.toBe(port);
  expect((await fetch(`http://127.0.0.1:${next.port}`)).status).toBe(503);
  await next.stop();
});

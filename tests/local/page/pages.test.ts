import { request } from "node:http";
import { expect, inject, test } from "vitest";
import { call } from "../../support/client.js";

const { url } = inject("system");

/** A request whose `Host` is not that of the address, which `fetch` does not send. */
const statusFor = (path: string, headers: Record<string, string>, method = "GET") =>
  new Promise((resolve, reject) => {
    request(url + path, { method, headers }, (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });

const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(url + path, { method: "POST", body: new URLSearchParams(fields), headers, redirect: "manual" });

test("a client reads JSON, a browser a page without scripts", async () => {
  const status = await call("GET", `${url}/_local`);
  expect(status.body.queues.map(({ name }: { name: string }) => name)).toContain("events-dead");
  const page = await call("GET", `${url}/_local`, { headers: { accept: "text/html" } });
  expect(page.text).toContain("<h1>This machine</h1>");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(page.headers.get("cache-control")).toBe("no-store");
});

test("a form leads back to the page, JSON is answered with JSON", async () => {
  const sent = await form("/_local/clock", { advance: "0" });
  expect([sent.status, sent.headers.get("location")]).toEqual([303, "/_local"]);
  expect((await call("POST", `${url}/_local/clock`, { body: { advance: 0 } })).body.now).toBeGreaterThan(0);
  expect((await call("POST", `${url}/_local/clock`, { body: { advance: -1 } })).status).toBe(422);
});

test.each([
  ["GET", "/_local/nowhere"],
  ["GET", "/_local/mail/0"],
  ["POST", "/_local/schedules/never"],
  ["POST", "/_local/queues/none/redrive"],
  ["DELETE", "/_local"],
])("%s %s is not there", async (method, path) => {
  expect((await call(method, url + path)).status).toBe(404);
});

test("what is no JSON, no mail and no switch is refused", async () => {
  expect((await call("POST", `${url}/_local/clock`, { body: "{" })).status).toBe(400);
  expect((await call("POST", `${url}/_local/mail`, { body: { to: "a@b.example" } })).status).toBe(422);
  expect((await form("/_local/chaos", { "sqs.nothing": "1" })).status).toBe(422);
  expect((await form("/_local/chaos", { "sqs.duplicate": "0" })).status).toBe(303);
});

test("another site's page reaches none of it, by a name of its own or by a form", async () => {
  expect(await statusFor("/_local", { host: "evil.test" })).toBe(403);
  expect(await statusFor("/_local/mail", { host: new URL(url).host })).toBe(200);
  expect((await form("/_local/clock", { advance: "0" }, { origin: "https://evil.test" })).status).toBe(403);
  expect((await form("/_local/clock", { advance: "0" }, { origin: url })).status).toBe(303);
});

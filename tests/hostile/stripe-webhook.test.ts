import { beforeAll, describe, expect, test, vi } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Answer, newTenant, type Tenant } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";
import { outcome } from "../support/outcome.js";
import {
  connectAccount,
  deliver,
  eventOf,
  macOf,
  now,
  post,
  secretsOf,
  signed,
  stored,
  textOf,
} from "../support/webhook.js";
import { internals, raw } from "./wire.js";

const host = ownHost({ ...quiet, env: { STRIPE_WEBHOOK_SECRETS: "whsec_new,whsec_old,test:whsec_t,live:whsec_l" } });
let tenant: Tenant;
let account: string;

beforeAll(async () => {
  tenant = await newTenant({}, host().url);
  account = await connectAccount(host(), tenant.id);
}, 60_000);

const event = (more = {}) => eventOf({ account, ...more });
const connect = () => secretsOf(host()).connect;

/** A refusal asks nothing of the database, and its answer says nothing of the inside. */
async function refused(
  send: () => Promise<{ status: number; text: string }>,
  expected = "400 stripe_event.signature_invalid",
) {
  host().bridge.reset();
  const { status, text } = await send();
  expect([outcome({ status, body: JSON.parse(text) } as Answer), host().bridge.counts()]).toEqual([
    expected,
    { roundTrips: 0, statements: 0, connections: 0 },
  ]);
  expect(text).not.toMatch(internals);
}

describe("the signature comes first", () => {
  test("what is not signed by this endpoint's secret, now, touches no database", async () => {
    // An environment that has served before would have its connection, and one of the API opens its own while it starts.
    // The exact seconds are in stripe-signature.test.ts, where the time stands still.
    const { api, stripe } = host().pools;
    for (const pool of [api, stripe]) pool.killAll();
    await vi.waitUntil(() => api.pids().length === 0);
    const text = textOf(event());
    const { platform } = secretsOf(host());
    const sends: Record<string, Parameters<typeof post>[2]> = {
      "no header": {},
      "an empty header": { header: "" },
      "a secret of somebody else": { header: signed(text, "whsec_wrong") },
      "the platform's secret on the Connect endpoint": { header: signed(text, platform) },
      "the Connect secret on the platform endpoint": { header: signed(text, connect()), endpoint: "platform" },
      "310 s old": { header: signed(text, connect(), now() - 310) },
      "in the future": { header: signed(text, connect(), now() + 400) },
      "of another event": { header: signed(textOf(event()), connect()) },
      "only v0": { header: signed(text, connect()).replace("v1=", "v0=") },
      "a hundred signatures": { header: `${signed(text, connect())}${`,v1=${"0".repeat(64)}`.repeat(99)}` },
    };
    for (const [name, options] of Object.entries(sends))
      await expect(
        refused(() => post(host(), text, options)),
        name,
      ).resolves.toBeUndefined();
  });

  test("a body that was changed, written anew, or encoded is another body", async () => {
    const text = textOf(event());
    const header = signed(text, connect());
    const changed = Array.from({ length: 20 }, (_, nth) => {
      const bytes = Buffer.from(text);
      const index = Math.floor((bytes.length * nth) / 20);
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      return bytes;
    });
    const base64 = Buffer.from(text).toString("base64");
    for (const body of [...changed, JSON.stringify(JSON.parse(text)), `${text}\n`, `\ufeff${text}`, base64, "", "{}"])
      await refused(() => post(host(), body, { header }));
  });

  test("two headers are refused, whichever of them is right", async () => {
    const text = textOf(event());
    const [good, bad] = [signed(text, connect()), signed(text, "whsec_wrong")];
    for (const pair of [
      [good, bad],
      [bad, good],
      [good, good],
    ])
      await refused(() =>
        raw({
          to: host().webhookUrl,
          method: "POST",
          path: "/connect",
          headers: [
            ["content-type", "application/json"],
            ...pair.map((header) => ["stripe-signature", header] as const),
          ],
          body: text,
        }),
      );
  });

  test("the secret of one mode says nothing of the other", async () => {
    const of = (livemode: boolean) => textOf(eventOf({ livemode, account: null, type: "invoice.paid" }));
    const say = (body: string, key: string) => post(host(), body, { header: signed(body, key), endpoint: "platform" });
    await refused(() => say(of(true), "whsec_t"));
    for (const [key, outcome] of Object.entries({ whsec_l: "ignored", whsec_t: "quarantined" }))
      expect((await say(of(false), key)).text).toContain(outcome);
  });

  test("what is too large, elsewhere, or asked in another way is not even read", async () => {
    const large = (bytes: number) => textOf(event({ object: { description: "x".repeat(bytes) } }));
    for (const [text, type, expected] of [
      [large(257 * 1024), "application/json", "413 body_too_large"],
      [large(257 * 1024), "application/octet-stream", "413 body_too_large"],
      [large(10 * 1024 * 1024), "application/json", "413"], // the URL itself refuses it
    ] as const)
      await refused(() => post(host(), text, { header: signed(text, connect()), type }), expected);
    const text = textOf(event());
    const header = { "stripe-signature": signed(text, connect()) };
    const ask = async (method: string, path: string) => {
      const body = method === "GET" ? null : text;
      const response = await fetch(host().webhookUrl + path, { method, headers: header, body });
      return { status: response.status, text: await response.text() };
    };
    for (const path of ["/", "/connect/", "/Connect", "/connect/platform", "/v1/admin/orders"])
      await refused(() => ask("POST", path), "404 route_unknown");
    for (const method of ["GET", "PUT", "DELETE"])
      await refused(() => ask(method, "/connect"), "405 method_not_allowed");
  });
});

describe("what is signed is accepted", () => {
  test("nearly 300 s old or ahead, in base64, in chunks, up to 256 KB, with both signatures of a rotation", async () => {
    const sends: ((text: string) => ReturnType<typeof post>)[] = [
      (text) => post(host(), text, { header: signed(text, connect()) }),
      (text) => post(host(), text, { header: signed(text, connect(), now() - 290) }),
      (text) => post(host(), text, { header: signed(text, connect(), now() + 299) }),
      (text) => post(host(), text, { header: signed(text, connect()), type: "application/octet-stream" }),
      (text) => post(host(), text, { header: `${signed(text, "whsec_rolled")},v1=${macOf(text, connect())}` }),
    ];
    for (const [nth, send] of sends.entries()) {
      const each = event({ object: { description: `“${"ü".repeat(nth * 30_000)}”` } });
      expect([nth, (await send(textOf(each))).body]).toEqual([nth, { status: "queued" }]);
      expect(await stored(host(), each.id)).toMatchObject({
        tenant: typeIdToUuid("ten", tenant.id),
        state: "queued",
        reason: null,
      });
    }
    const each = event();
    const text = textOf(each);
    const headers = [
      ["content-type", "application/json"],
      ["stripe-signature", signed(text, connect())],
    ] as const;
    const request = { to: host().webhookUrl, method: "POST", path: "/connect", headers, body: text };
    const answer = await raw({ ...request, chunked: true });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { status: "queued" }]);
  });

  test("while a secret is rolled, both are good, and any other is not", async () => {
    for (const [secret, status] of [
      ["whsec_new", 200],
      ["whsec_old", 200],
      ["whsec_older", 400],
      [connect(), 400],
    ] as const) {
      const text = textOf(eventOf({ account: undefined, type: "customer.subscription.updated" }));
      expect((await post(host(), text, { endpoint: "platform", header: signed(text, secret) })).status).toBe(status);
    }
  });

  test("but is no event as Stripe describes it: 400, and never 500", async () => {
    const odd = (change: object) => textOf({ ...event(), ...change });
    const bodies = [
      "not JSON",
      "",
      "null",
      "[]",
      "1",
      '"evt_1"',
      "{}",
      "[".repeat(100_000),
      odd({ id: undefined }),
      odd({ id: 7 }),
      odd({ id: "evt_'; drop table job; --" }),
      odd({ id: `evt_${"x".repeat(300)}` }),
      odd({ object: "v2.core.event" }),
      odd({ type: ["a"] }),
      odd({ type: "A\u0000" }),
      odd({ created: "now" }),
      odd({ created: 1e300 }),
      odd({ livemode: "true" }),
      odd({ account: "acct_\u0000" }),
      odd({ account: { id: "acct_1" } }),
      odd({ data: null }),
      odd({ data: { object: null } }),
      odd({ data: { object: { object: "payment_intent" } } }),
      odd({ data: { object: { id: "pi_\u0000", object: "payment_intent" } } }),
      odd({ data: { object: { id: "pi_\ud800", object: "payment_intent" } } }),
    ].filter(Boolean);
    for (const body of bodies) {
      const answer = await post(host(), body, { header: signed(body, connect()) });
      expect([body.slice(0, 200), answer.status, answer.body.code]).toEqual([
        body.slice(0, 200),
        400,
        "stripe_event.malformed",
      ]);
    }
  });

  test("and of no interest: 200, and nothing is kept", async () => {
    for (const change of [
      { type: "balance.available", data: { object: { object: "balance" } } },
      { type: "payout.paid" },
    ]) {
      const each = { ...event(), ...change };
      host().bridge.reset();
      expect((await deliver(host(), each)).body).toEqual({ status: "ignored" });
      expect([host().bridge.counts().roundTrips, await stored(host(), each.id)]).toEqual([0, undefined]);
    }
  });
});

test("the log says which event, and neither its body nor a secret", async () => {
  const marked = event({ object: { description: "a body nobody logs" } });
  await deliver(host(), marked);
  await post(host(), textOf(marked), { header: signed(textOf(marked), "whsec_nobody") });
  const lines = host()
    .logs()
    .filter((line) => line.function === "stripe")
    .map(({ text }) => text)
    .join("\n");
  expect(lines).toContain(marked.id);
  expect(lines).toContain("StripeSignatureFailures");
  for (const hidden of ["a body nobody logs", "whsec_", macOf(textOf(marked), connect()), "UnexpectedErrors"])
    expect(lines).not.toContain(hidden);
});

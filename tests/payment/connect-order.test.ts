import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { paymentAccountHandlers } from "../../core/payment-account/index.js";
import type { StripeEvent } from "../../core/stripe/event.js";
import { newTenant, type Tenant } from "../support/client.js";
import { asSystem } from "../support/domain.js";
import { ownHost, quiet } from "../support/host.js";
import { StripeSide } from "../support/stripe.js";
import { stripeId } from "../support/webhook.js";

vi.setConfig({ testTimeout: 60_000 });
/** Nothing but what a test calls: events are handled here, one by one, in the order that it wants. */
const host = ownHost(quiet);
const path = "/v1/admin/payments/account";
let stripe: StripeSide;
let tenant: Tenant;
let account: string;

/** Between us and Stripe: an answer that was given can be kept back, as a slow network would. */
let wire: Server;
let keep: { given(): void; until: Promise<void> } | undefined;
/** Whether Stripe says that it does not know the account, as after the merchant has taken the connection away. */
let isLost = false;
const unknown = {
  error: { type: "invalid_request_error", code: "account_invalid", message: "No access to the account." },
};
async function startWire() {
  wire = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (isLost) return response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify(unknown));
    const { host: _, "content-length": __, connection: ___, ...headers } = request.headers;
    const answer = await fetch(stripe.url + request.url, {
      method: request.method ?? "GET",
      headers: headers as Record<string, string>,
      ...(request.method === "POST" && { body: Buffer.concat(chunks) }),
    });
    const text = await answer.text();
    const kept = keep;
    keep = undefined;
    kept?.given();
    await kept?.until;
    response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  });
  wire.listen(0, "127.0.0.1");
  await once(wire, "listening");
  return `http://127.0.0.1:${(wire.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  stripe = new StripeSide(host().stripe?.url ?? "");
  tenant = await newTenant({}, host().url);
  ({ account } = await tenant.post(path));
  vi.stubEnv("STRIPE_SECRET_KEY", host().env("api").STRIPE_SECRET_KEY ?? "");
  vi.stubEnv("STRIPE_API_BASE", await startWire());
});
afterAll(() => {
  vi.unstubAllEnvs();
  wire.closeAllConnections();
  wire.close();
});

const now = () => Math.floor(Date.now() / 1000);
const handle = (type: StripeEvent["type"], more: Partial<StripeEvent> = {}) =>
  asSystem(
    tenant.id,
    async () => {
      const event = {
        id: stripeId("evt"),
        type,
        endpoint: "connect" as const,
        livemode: false,
        created: now(),
        ...more,
      };
      const handlers = paymentAccountHandlers.filter(({ types }) => types.some((one) => one === type));
      expect(handlers).toHaveLength(1);
      for (const { run } of handlers) await run({ account, objectId: account, related: {}, ...event });
    },
    { appUrl: host().databases.app, proxy: `127.0.0.1:${host().bridge.port}` },
  );

/** The next answer of Stripe's is given, and arrives when it is let go. */
function keepAnswer() {
  let letGo = () => {};
  const until = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const asked = new Promise<void>((given) => {
    keep = { given, until };
  });
  return { asked, letGo: () => letGo() };
}

test("an answer that is older than what is there is not written", async () => {
  const { version } = await tenant.get(path);
  const old = keepAnswer();
  const slow = handle("account.updated");
  await old.asked; // it says that Stripe waits for papers
  await stripe.act("complete_onboarding", { account });
  await handle("account.updated");
  const fresh = await tenant.get(path);
  expect(fresh).toMatchObject({ status: "active", chargesEnabled: true, version: version + 1 });
  old.letGo();
  await slow;
  expect(await tenant.get(path)).toMatchObject({ status: "active", chargesEnabled: true });
});

/** The merchant takes the connection away: Stripe says so, and does not know the account when it is asked. */
async function takeAway() {
  isLost = true;
  await handle("account.application.deauthorized").finally(() => {
    isLost = false;
  });
}

test("an answer that was under way when the connection was taken away brings nothing back", async () => {
  const old = keepAnswer();
  const slow = handle("account.updated");
  await old.asked; // it says that all is well
  await takeAway();
  old.letGo();
  await slow;
  expect(await tenant.get(path)).toMatchObject({ status: "deauthorized", chargesEnabled: false });
  expect((await tenant.post(path)).status).toBe("active");
});

test.each(["capability.updated", "account.external_account.updated"] as const)("%s is news of it too", async (type) => {
  await stripe.act("restrict_account", { account });
  await handle(type, { objectId: "card_payments" });
  expect(await tenant.get(path)).toMatchObject({ status: "restricted", chargesEnabled: false });
  await stripe.act("complete_onboarding", { account });
  await handle(type, { objectId: stripeId("ba") });
  expect(await tenant.get(path)).toMatchObject({ status: "active", chargesEnabled: true });
});

test("events of other accounts and of the other mode change nothing", async () => {
  const before = await tenant.get(path);
  await handle("account.application.deauthorized", { account: stripeId("acct") });
  await handle("account.application.deauthorized", { livemode: true });
  await handle("account.updated", { account: stripeId("acct") });
  expect(await tenant.get(path)).toEqual(before);
});

test("taking the connection away blocks at once; news of it from before the present one do not", async () => {
  await takeAway();
  expect(await tenant.get(path)).toMatchObject({ status: "deauthorized", chargesEnabled: false });
  await handle("account.updated"); // late: Stripe still knew it then
  expect((await tenant.get(path)).status).toBe("deauthorized");
  expect((await tenant.post(path)).status).toBe("active");
  await handle("account.application.deauthorized", { created: now() - 60 });
  expect((await tenant.get(path)).status).toBe("active");
  await takeAway();
  expect((await tenant.get(path)).status).toBe("deauthorized");
});

test("an account that Stripe does not let us see any more is deauthorised, event or not", async () => {
  expect((await tenant.post(path)).status).toBe("active");
  await stripe.act("deauthorize", { account });
  await handle("account.updated");
  expect(await tenant.get(path)).toMatchObject({ status: "deauthorized", account });
});

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import { afterEach, describe, expect, test, vi } from "vitest";
import { requireConfig } from "../../core/kernel/config.js";
import { Failure, OutcomeUnknown } from "../../core/kernel/error.js";
import {
  isOtherMode,
  modeOf,
  publishableKeyFor,
  stripeFor,
  withDeadline,
  withRetry,
} from "../../core/stripe/client.js";
import { refusalOf } from "../../core/stripe/fault.js";

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
});

const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const made: Behaviour = (_, response) => json(response, 200, { id: "pi_1", object: "payment_intent" });
const refusing =
  (status: number, error: object, headers = {}): Behaviour =>
  (_, response) =>
    json(response, status, { error: { message: "No.", ...error } }, headers);
const cut: Behaviour = (request) => request.socket.destroy();
const hang: Behaviour = () => undefined;
/** Half an answer, and then nothing. */
const stall: Behaviour = (_, response) => response.writeHead(200, { "content-length": "100" }).write('{"id":');
const garbage: Behaviour = (_, response) => response.writeHead(200).end("<html>");

/** Somebody who answers each request in turn, the last behaviour for all that come later. */
async function stripeLike(...behaviours: Behaviour[]) {
  const keys: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    request.resume();
    await once(request, "end");
    keys.push(request.headers["idempotency-key"] as string | undefined);
    behaviours[Math.min(keys.length, behaviours.length) - 1]?.(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv("STRIPE_SECRET_KEY", "sk_test_one");
  vi.stubEnv("STRIPE_API_BASE", url);
  const stripe = await stripeFor(false);
  const pay = (key = "pay_1") =>
    stripe.paymentIntents.create({ amount: 1_000, currency: "eur" }, { idempotencyKey: key });
  return { url, keys, stripe, pay };
}

describe("a call that is", () => {
  const passing: [string, Behaviour][] = [
    ["cut", cut],
    ["answered with a page", garbage],
    ["in conflict with itself", refusing(409, { type: "idempotency_error", code: "idempotency_key_in_use" })],
    ["locked out", refusing(429, { type: "invalid_request_error", code: "lock_timeout" })],
    ["limited", refusing(429, { type: "invalid_request_error", code: "rate_limit" })],
    ["limited in the old way", refusing(400, { type: "invalid_request_error", code: "rate_limit" })],
    ["met by an outage", refusing(503, { type: "api_error" })],
    ["met by a fault", refusing(500, { type: "api_error" })],
  ];
  test.each(passing)("%s is made again with its key, and answers", async (_, behaviour) => {
    const { keys, pay } = await stripeLike(behaviour, behaviour, made);
    await expect(withRetry(() => pay())).resolves.toMatchObject({ id: "pi_1" });
    expect(keys).toEqual(["pay_1", "pay_1", "pay_1"]);
  });

  const silent: [string, Behaviour][] = [
    ["never answered", hang],
    ["answered by half", stall],
  ];
  test.each(silent)("%s is given up in time, and nothing is guessed", async (_, behaviour) => {
    const { keys, pay } = await stripeLike(behaviour);
    const started = Date.now();
    await expect(withDeadline(700, () => withRetry(() => pay()))).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(Date.now() - started).toBeLessThan(1_500);
    expect(keys).toEqual(["pay_1"]);
  });

  test("cut every time is OutcomeUnknown, with its cause", async () => {
    const { keys, pay } = await stripeLike(cut);
    const error = await withDeadline(1_000, () => withRetry(() => pay())).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect((error as Error).cause).toMatchObject({ type: "StripeConnectionError" });
    expect(new Set(keys)).toEqual(new Set(["pay_1"]));
    expect(keys.length).toBeGreaterThan(1);
  });

  const decided: [string, Behaviour, string][] = [
    ["declined", refusing(402, { type: "card_error", code: "card_declined", decline_code: "lost_card" }), "lost_card"],
    ["wrong", refusing(400, { type: "invalid_request_error", code: "parameter_unknown" }), "parameter_unknown"],
    ["about nothing", refusing(404, { type: "invalid_request_error", code: "resource_missing" }), "resource_missing"],
    ["for a stranger's account", refusing(403, { code: "account_invalid" }), "account_invalid"],
    ["another one under an old key", refusing(400, { type: "idempotency_error" }), "StripeIdempotencyError"],
  ];
  test.each(decided)("%s is a refusal, asked for once", async (_, behaviour, code) => {
    const { keys, pay } = await stripeLike(behaviour);
    const error = await withRetry(() => pay()).catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(OutcomeUnknown);
    expect(refusalOf(error)?.code).toBe(code);
    expect(keys).toHaveLength(1);
  });

  const ours: [string, Behaviour][] = [
    ["a wrong key", refusing(401, { type: "invalid_request_error" })],
    ["a key that may not", refusing(403, { type: "invalid_request_error" })],
    ["an answer that would only come again", refusing(500, { type: "api_error" }, { "stripe-should-retry": "false" })],
  ];
  test.each(ours)("met by %s is undecided at once: it says nothing of the payment", async (_, behaviour) => {
    const { keys, pay } = await stripeLike(behaviour);
    await expect(withRetry(() => pay())).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(keys).toHaveLength(1);
  });
});

describe("the client", () => {
  test("repeats nothing by itself, not even a closed connection, as the SDK's own does", async () => {
    const { url, keys, pay } = await stripeLike(cut);
    await expect(pay()).rejects.toMatchObject({ type: "StripeConnectionError" });
    expect(keys).toEqual(["pay_1"]);
    const { hostname, port } = new URL(url);
    const plain = new Stripe("sk_test_one", { host: hostname, port, protocol: "http", maxNetworkRetries: 0 });
    await expect(plain.paymentIntents.create({ amount: 1, currency: "eur" })).rejects.toThrow();
    expect(keys).toHaveLength(3);
  });

  test("survives a connection that died while nobody looked", async () => {
    const { keys, pay } = await stripeLike(made, cut, made);
    await withRetry(() => pay("pay_1"));
    await expect(withRetry(() => pay("pay_2"))).resolves.toMatchObject({ id: "pi_1" });
    expect(keys).toEqual(["pay_1", "pay_2", "pay_2"]);
  });

  test("sends no POST without a key of ours", async () => {
    const { keys, stripe } = await stripeLike(made);
    const call = withRetry(() => stripe.paymentIntents.create({ amount: 1_000, currency: "eur" }));
    await expect(call).rejects.toThrow("idempotency key of ours");
    await expect(call).rejects.not.toBeInstanceOf(OutcomeUnknown);
    expect(keys).toEqual([]);
  });

  const thrownBy = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };

  test("has the key of the mode, and none for another", async () => {
    const codeOf = (run: () => unknown) => {
      try {
        return run();
      } catch (error) {
        return (error as Failure).code;
      }
    };
    vi.stubEnv("STRIPE_SECRET_KEY", "sk_test_one");
    expect([modeOf(true), modeOf(false)]).toEqual([false, false]);
    await expect(stripeFor(true)).rejects.toBeInstanceOf(Failure);
    // In production a live tenant is never served by the test key, and a live key is needed to start.
    vi.stubEnv("STAGE", "production");
    expect([codeOf(() => modeOf(true)), modeOf(false)]).toEqual(["payment.provider_unavailable", false]);
    expect([isOtherMode(false, true), isOtherMode(false, false)]).toEqual([true, false]);
    const variables = ["STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRETS"] as const;
    vi.stubEnv("STRIPE_PUBLISHABLE_KEY", "pk_test_one");
    vi.stubEnv("STRIPE_WEBHOOK_SECRETS", "test:whsec_one");
    const complaints = (["api", "stripe"] as const).map((entry) => {
      const error = thrownBy(() => requireConfig(entry));
      return variables.filter((name) => error.includes(`${name}: has nothing of live mode`));
    });
    expect(complaints).toEqual([["STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY"], ["STRIPE_WEBHOOK_SECRETS"]]);
    vi.stubEnv("STAGE", "pr-7");
    expect([modeOf(true), thrownBy(() => requireConfig("stripe"))]).toEqual([
      false,
      expect.not.stringContaining("live mode"),
    ]);
    vi.stubEnv("STRIPE_SECRET_KEY", "rk_live_one,sk_test_one");
    expect([modeOf(true), modeOf(false)]).toEqual([true, false]);
    vi.stubEnv("STRIPE_SECRET_KEY", "sk_live_one");
    expect([modeOf(true), codeOf(() => modeOf(false))]).toEqual([true, "payment.provider_unavailable"]);
    vi.stubEnv("STRIPE_PUBLISHABLE_KEY", "pk_test_one");
    expect([publishableKeyFor(false), codeOf(() => publishableKeyFor(true))]).toEqual([
      "pk_test_one",
      "payment.provider_unavailable",
    ]);
  });
});

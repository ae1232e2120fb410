import { afterEach, beforeAll, expect, vi } from "vitest";
import { breaches } from "../payment/invariant.js";
import { historyBreaches } from "../payment/replay.js";
import { ownHost } from "./host.js";
import { Till } from "./till.js";

interface Options {
  /** Whether money is taken as soon as an order is open, or when the staff says so. */
  capture?: "automatic" | "manual";
  /** Of one test. Milliseconds. */
  timeout?: number;
  /** `quiet`: the test also waits for what is tried again in a minute. */
  end?: "rest" | "quiet";
}

/**
 * A till of the test file's own, on a host of its own; it is open once the tests run. After each test Stripe behaves
 * again, all work is done, and orders, payments, stock and ledger agree with each other and with Stripe.
 */
export function paymentSuite({ capture = "automatic", timeout = 120_000, end = "rest" }: Options = {}): Till {
  vi.setConfig({ testTimeout: timeout });
  const host = ownHost();
  const till: Till = Object.create(Till.prototype);
  beforeAll(async () => {
    Object.assign(till, await Till.open(host(), { capture }));
  });
  afterEach(async () => {
    await till.side.chaos({ reset: true });
    await till.side.act("release");
    await till[end]();
    expect([...(await breaches(till)), ...(await historyBreaches(till))]).toEqual([]);
  });
  return till;
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { type Host, type HostOptions, startHost } from "../../stacks/local/host.js";
import { Cart, newTenant, type Tenant } from "../support/client.js";
import { keepKinds } from "../support/stripe-kind.js";

/** A system of its own for a file that breaks it on purpose; it is there once the tests run. */
export function ownSystem(options: Partial<HostOptions> = {}): { host: Host } {
  const own = {} as { host: Host };
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), "stoa-own-"));
    own.host = await startHost({ dir, ...options, env: { MAIL_RECIPIENT_LIMIT: "1000000", ...options.env } });
    return async () => {
      keepKinds(own.host.stripe?.kinds());
      await own.host.stop();
      await rm(dir, { recursive: true, force: true });
    };
  });
  return own;
}

/** Tenants of such a system. */
export const tenantsOf = ({ url }: Host, count: number): Promise<Tenant[]> =>
  Promise.all(Array.from({ length: count }, () => newTenant({}, url)));

/** Buys one thing; the order. */
export async function buy(tenant: Tenant, variantId: string, quantity = 1) {
  const cart = await Cart.open(tenant.shop, { email: "ada@example.com", lines: [{ variantId, quantity }] });
  await cart.prepare();
  const { status, body, text } = await cart.complete();
  if (status !== 200) throw new Error(`${status} ${text}`);
  return body.order as { id: string; number: number; placedAt: string; totals: { total: { amount: number } } };
}

/**
 * Lets minutes pass for everybody: the clock of queues and schedules goes on, and what the database has dated for later
 * (retries, leases, what was sent) is that much nearer.
 */
export async function letPass({ admin, clock, scheduler }: Host, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await admin.query(
      `update event set next_attempt_at = next_attempt_at - interval '1 minute' where published_at is null`,
    );
    await admin.query(
      `update job set due_at = due_at - interval '1 minute', sent_at = sent_at - interval '1 minute',
        lease_until = lease_until - interval '1 minute' where status in ('queued', 'running')`,
    );
    await clock.advance(60_000);
    await scheduler.idle();
  }
}

/**
 * Resolves when everything that can be done is done. A nudge that takes longer than its budget is lost, as on a busy
 * machine: the schedule, which is a minute away, stands in for it here.
 */
export async function settle(host: Host, timeoutMs = 20_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; ; ) {
    const rest = await host.idle({ timeoutMs: 400 }).catch((error: Error) => error);
    if (!rest) return;
    if (Date.now() > end) throw rest;
    await host.runSchedule("relay").catch(() => undefined); // it fails where a test lets it
  }
}

/** What the functions counted under this name, in CloudWatch's embedded metric format, with the given dimensions. */
export function counted(host: Host, name: string, dimensions: Record<string, string> = {}): number {
  return host
    .logs()
    .filter(({ text }) => text.includes(`"${name}"`) && text.includes("_aws"))
    .map(({ text }) => JSON.parse(text) as Record<string, unknown>)
    .filter((line) => Object.entries(dimensions).every(([dimension, value]) => line[dimension] === value))
    .reduce((sum, line) => sum + (Number([line[name]].flat()[0]) || 0), 0);
}

/** Messages that were given up, by queue. */
export const deadLetters = ({ endpoints }: Host) =>
  Object.fromEntries(
    (endpoints.sqs?.inspect() ?? [])
      .filter(({ name }) => name.endsWith("-dead"))
      .map(({ name, visible, inFlight }) => [name, visible + inFlight]),
  );
export const noDeadLetters = { "nudge-dead": 0, "events-dead": 0, "jobs-dead": 0 };

/** What EventBridge puts on the queue of events. */
export const envelope = (detail: unknown, type = "order.placed") =>
  JSON.stringify({ version: "0", id: crypto.randomUUID(), source: "stoa", "detail-type": type, detail });

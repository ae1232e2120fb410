import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../stacks/local/host.js";
import { connectAccount, deliver, eventOf } from "../support/webhook.js";
import { type Latency, latencyOf } from "./figure.js";
import type { Shop } from "./shop.js";

/** Stripe's events as they are stored and answered, while nobody works on them. */
export interface Webhooks {
  readonly events: number;
  readonly connections: number;
  readonly latency: Latency;
  readonly perSecond: number;
}

const CONNECTIONS = 4;

/** Milliseconds of each delivery, one after the other on each connection. @throws when one is not stored */
async function send(host: Host, account: string, events: number): Promise<number[]> {
  const taken: number[] = [];
  const client = async () => {
    for (let nth = 0; nth < events / CONNECTIONS; nth += 1) {
      const event = eventOf({ account });
      const since = performance.now();
      const { status, text } = await deliver(host, event);
      if (status !== 200 || !text.includes("queued")) throw new Error(`An event was answered with ${status} ${text}`);
      taken.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return taken;
}

/** The time until Stripe has its answer, with signature, insert, job and nudge in it, and the workers stopped. */
export async function measureWebhooks(host: Host, shop: Shop, events: number): Promise<Webhooks> {
  await host.pause();
  await host.pools.stripe.prewarm(CONNECTIONS);
  const [tenant] = await host.admin.query("select tenant_id::text as id from tenant where slug = $1", [shop.tenant]);
  const account = await connectAccount(host, String(tenant?.id));
  await send(host, account, 200);
  await sleep(500);
  const since = performance.now();
  const taken = await send(host, account, events);
  const perSecond = (taken.length * 1000) / (performance.now() - since);
  // Nobody will ever ask Stripe about payments that were not made.
  await host.admin.query("delete from job where name = 'stripe.event'");
  host.resume();
  return { events: taken.length, connections: CONNECTIONS, latency: latencyOf(taken), perSecond };
}

import { setTimeout as sleep } from "node:timers/promises";
import { queueNames } from "./aws/endpoints.js";
import type { Host } from "./host.js";

type Parts = Pick<Host, "endpoints" | "admin" | "pools" | "scheduler" | "stripe">;

/** Pending requests, messages, deliveries, events and jobs; empty when the system is idle. */
async function whatIsLeft({ endpoints, admin, pools, scheduler, stripe }: Parts): Promise<string[]> {
  await scheduler.idle();
  await stripe?.settled();
  const left = Object.values(pools).map((pool) => [`requests of ${pool.function}`, pool.pending()] as const);
  const depths = queueNames.map(async (name) => {
    const { visible, inFlight, delayed } = await endpoints.depth(name);
    return [`messages of ${name} (${visible} visible, ${inFlight} in flight)`, visible + inFlight + delayed] as const;
  });
  const { events, jobs } = await admin.backlog();
  const all = [
    ...left,
    ...(await Promise.all(depths)),
    ["deliveries of the bus", endpoints.bus?.inspect().pending ?? 0] as const,
    ["events in the outbox", events] as const,
    ["jobs that are due", jobs] as const,
  ];
  return all.filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`);
}

/** Resolves when queues, outbox and due jobs are empty and nothing runs. @throws after `timeoutMs`, with the rest */
export async function waitUntilIdle(parts: Parts, timeoutMs: number): Promise<void> {
  for (const end = Date.now() + timeoutMs; ; await sleep(15)) {
    const left = await whatIsLeft(parts);
    if (left.length === 0) return;
    if (Date.now() > end) throw new Error(`Not idle after ${timeoutMs} ms: ${left.join(", ")}.`);
  }
}

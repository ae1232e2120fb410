import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../../stacks/local/host.js";
import { type Memory, type Scenario, type Step, scenarios } from "./scenario.js";
import type { Shop } from "./shop.js";

/** What one request asks of the database. */
export interface Trips {
  readonly roundTrips: number;
  readonly statements: number;
}

const ROUNDS = 3;

/** Takes the steps of a scenario once, one after the other. @throws when one is refused */
export async function walk(shop: Shop, { steps }: Scenario, after?: (step: Step) => Promise<void>): Promise<void> {
  const memory: Memory = {};
  for (const step of steps) {
    const { method, path, headers, body } = step.request(shop, memory);
    const response = await fetch(shop.url + path, { method, headers, ...(body && { body }) });
    if (!response.ok) throw new Error(`${step.name} → ${response.status} ${await response.text()}`);
    step.learn?.(await response.json(), memory);
    await after?.(step);
  }
}

/**
 * Counts on the wire, one request at a time, while nothing else runs: credential, rate token, BEGIN and COMMIT are in
 * it. The most that was seen of each step, after one round that warms up.
 */
export async function countTrips(host: Host, shop: Shop): Promise<Record<string, Trips>> {
  await host.pause();
  const most: Record<string, Trips> = {};
  for (const scenario of Object.values<Scenario>(scenarios))
    for (let round = 0; round <= ROUNDS; round += 1) {
      host.bridge.reset();
      await walk(shop, scenario, async ({ name }) => {
        await sleep(5); // what the answer did not wait for
        const { roundTrips, statements } = host.bridge.counts();
        host.bridge.reset();
        const before = most[name] ?? { roundTrips: 0, statements: 0 };
        if (round === 0) return;
        most[name] = {
          roundTrips: Math.max(before.roundTrips, roundTrips),
          statements: Math.max(before.statements, statements),
        };
      });
    }
  host.resume();
  return most;
}

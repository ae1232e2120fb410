import { Agent } from "node:http";
import type Stripe from "stripe";
import { createSending, type Delivery } from "./dispatcher.js";
import type { Module } from "./engine.js";
import { type Core, createStore, save } from "./store.js";
import { post, signature } from "./webhook-request.js";

/** A webhook endpoint for events of the platform or of connected accounts. */
export interface Endpoint {
  readonly url: string;
  /** Signing secrets; two of them while a secret is rolled. */
  readonly secrets: readonly string[];
  readonly connect: boolean;
  /** Event types; by default all. */
  readonly events?: readonly string[];
}

/** Seconds between attempts, at growing intervals over three days. */
const waits = [10, 60, 300, 1800, 7200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200, 21_600];
const last = waits.length;

const wants = ({ connect, events }: Endpoint, account: string | undefined, type: string) =>
  connect === (account !== undefined) && (!events || events.includes("*") || events.includes(type));

/** Sends events to the endpoints in parallel, without an order. */
export function createDelivery(core: Core, initial: readonly Endpoint[]) {
  const { chaos, chance, upTo } = core.disorder;
  const agent = new Agent({ keepAlive: true });
  const counts = { attempts: 0, succeeded: 0, failed: 0, dropped: 0, lost: 0, duplicates: 0 };
  let endpoints = initial;
  const sending = createSending(core.clock, core.disorder, attempt);

  const find = ({ account, event }: Delivery) => core.tables.table(account, "event").byId.get(event)?.object;

  function delivered(delivery: Delivery) {
    const event = find(delivery);
    if (delivery.copy || !event || event.pending_webhooks === 0) return;
    save(core, delivery.account, { ...event, pending_webhooks: event.pending_webhooks - 1 } as Stripe.Event);
  }

  function again({ account, event, endpoint, attempt, copy }: Delivery) {
    const wait = waits[attempt];
    if (copy || wait === undefined) return;
    const at = core.clock.now() / 1000 + wait;
    createStore(core, account).later(at, "webhook", [event, endpoint, attempt + 1].join(" "));
  }

  async function attempt(delivery: Delivery) {
    const endpoint = endpoints[delivery.endpoint];
    const event = find(delivery);
    if (!endpoint || !event) return;
    const payload = JSON.stringify(event, null, 2);
    counts.attempts++;
    const status = await post(agent, endpoint.url, payload, signature(payload, endpoint.secrets));
    const success = status >= 200 && status < 300;
    counts[success ? "succeeded" : "failed"]++;
    (success ? delivered : again)(delivery);
  }

  /** A delivery for each endpoint with the event's type. */
  const deliveries = ({ account, id, type }: Stripe.Event, attempt: number): Delivery[] =>
    endpoints.flatMap((one, endpoint) =>
      wants(one, account, type) ? [{ account, event: id, endpoint, attempt, copy: false }] : [],
    );

  function start(delivery: Delivery) {
    if (chance(chaos.webhooks.drop)) return void counts.dropped++;
    if (chance(chaos.webhooks.lose)) {
      counts.lost++;
      return delivered(delivery);
    }
    const copies = upTo(chaos.webhooks.duplicate);
    counts.duplicates += copies;
    for (let copy = 0; copy <= copies; copy++) sending.dispatch({ ...delivery, copy: copy > 0 });
  }

  const timers: Module["timers"] = {
    webhook({ account }, id) {
      const [event = "", endpoint, attempt] = id.split(" ");
      sending.send({ account, event, endpoint: Number(endpoint), attempt: Number(attempt), copy: false });
    },
  };

  return {
    ...sending,
    agent,
    counts,
    timers,
    count: (account: string | undefined, type: string) => endpoints.filter((one) => wants(one, account, type)).length,
    /** Starts the deliveries of an event, unless its account is disconnected. */
    start(event: Stripe.Event) {
      if (event.account === undefined || core.tables.table(undefined, "account").byId.has(event.account))
        deliveries(event, 0).forEach(start);
    },
    /** Resumes undelivered events of an earlier host, except those with a scheduled attempt. */
    resume(waiting: ReadonlySet<string>) {
      for (const { type, table } of core.tables.all())
        for (const { object } of type === "event" ? table.byId.values() : [])
          if (object.object === "event" && object.pending_webhooks > 0 && !waiting.has(object.id))
            deliveries(object, last).forEach(sending.send);
    },
    /** Sends an event again, as "Resend" in Stripe's dashboard does. */
    resend: (event: Stripe.Event) => deliveries(event, last).forEach(sending.send),
    endpoints: () => endpoints,
    setEndpoints(next: readonly Endpoint[]) {
      endpoints = next;
    },
    stop() {
      sending.stop();
      agent.destroy();
    },
  };
}
export type Delivering = ReturnType<typeof createDelivery>;

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

const eventOf = (core: Core, { account, event }: Delivery) =>
  core.tables.table(account, "event").byId.get(event)?.object;

/** A delivery for each endpoint with the event's type. */
const deliveriesOf = (endpoints: readonly Endpoint[], { account, id, type }: Stripe.Event, attempt: number) =>
  endpoints.flatMap((one, endpoint): Delivery[] =>
    wants(one, account, type) ? [{ account, event: id, endpoint, attempt, copy: false }] : [],
  );

/** Subtracts a successful delivery from the event's pending ones. */
function markDelivered(core: Core, delivery: Delivery) {
  const event = eventOf(core, delivery);
  if (delivery.copy || !event || event.pending_webhooks === 0) return;
  save(core, delivery.account, { ...event, pending_webhooks: event.pending_webhooks - 1 } as Stripe.Event);
}

function scheduleRetry(core: Core, { account, event, endpoint, attempt, copy }: Delivery) {
  const wait = waits[attempt];
  if (copy || wait === undefined) return;
  const at = core.clock.now() / 1000 + wait;
  createStore(core, account).later(at, "webhook", [event, endpoint, attempt + 1].join(" "));
}

/** The delivery that `scheduleRetry` has named in its timer. */
function scheduledDelivery(account: string | undefined, timer: string): Delivery {
  const [event = "", endpoint, attempt] = timer.split(" ");
  return { account, event, endpoint: Number(endpoint), attempt: Number(attempt), copy: false };
}

/** Events with pending deliveries, oldest first in each account. */
const undelivered = (core: Core) =>
  [...core.tables.all()]
    .flatMap(({ type, table }) => (type === "event" ? [...table.byId.values()] : []))
    .flatMap(({ object }) => (object.object === "event" && object.pending_webhooks > 0 ? [object] : []));

async function isAccepted(agent: Agent, { url, secrets }: Endpoint, event: Stripe.Event): Promise<boolean> {
  const payload = JSON.stringify(event, null, 2);
  const status = await post(agent, url, payload, signature(payload, secrets));
  return status >= 200 && status < 300;
}

const newCounts = () => ({ attempts: 0, succeeded: 0, failed: 0, dropped: 0, lost: 0, duplicates: 0 });
type Counts = ReturnType<typeof newCounts>;
type Dispatch = (delivery: Delivery) => void;

/** Dispatches a delivery and its additional copies, unless the switches drop or lose it. */
function startDelivery(core: Core, counts: Counts, dispatch: Dispatch, delivery: Delivery) {
  const { chaos, chance, upTo } = core.disorder;
  if (chance(chaos.webhooks.drop)) return void counts.dropped++;
  if (chance(chaos.webhooks.lose)) {
    counts.lost++;
    return markDelivered(core, delivery);
  }
  const copies = upTo(chaos.webhooks.duplicate);
  counts.duplicates += copies;
  for (let copy = 0; copy <= copies; copy++) dispatch({ ...delivery, copy: copy > 0 });
}

/** Sends events to the endpoints in parallel, without an order. */
export function createDelivery(core: Core, initial: readonly Endpoint[]) {
  const agent = new Agent({ keepAlive: true });
  const counts = newCounts();
  let endpoints = initial;
  const sending = createSending(core.clock, core.disorder, attempt);

  async function attempt(delivery: Delivery) {
    const endpoint = endpoints[delivery.endpoint];
    const event = eventOf(core, delivery);
    if (!endpoint || !event) return;
    counts.attempts++;
    const success = await isAccepted(agent, endpoint, event);
    counts[success ? "succeeded" : "failed"]++;
    (success ? markDelivered : scheduleRetry)(core, delivery);
  }

  /** Sends an event again, as "Resend" in Stripe's dashboard does. */
  const resend = (event: Stripe.Event) => deliveriesOf(endpoints, event, last).forEach(sending.send);

  const timers: Module["timers"] = {
    webhook: ({ account }, id) => sending.send(scheduledDelivery(account, id)),
  };

  return {
    ...sending,
    agent,
    counts,
    timers,
    count: (account: string | undefined, type: string) => endpoints.filter((one) => wants(one, account, type)).length,
    /** Starts the deliveries of an event, unless its account is disconnected. */
    start(event: Stripe.Event) {
      if (event.account !== undefined && !core.tables.table(undefined, "account").byId.has(event.account)) return;
      for (const one of deliveriesOf(endpoints, event, 0)) startDelivery(core, counts, sending.dispatch, one);
    },
    /** Resumes undelivered events of an earlier host, except those with a scheduled attempt. */
    resume(waiting: ReadonlySet<string>) {
      for (const event of undelivered(core)) if (!waiting.has(event.id)) resend(event);
    },
    resend,
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

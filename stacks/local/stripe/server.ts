import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type Stripe from "stripe";
import type { Clock } from "../lambda/clock.js";
import { createActions, createShortcuts, type Forgery, forge } from "./control/action.js";
import { createControl, objectsOf, stateOf } from "./control/control.js";
import { createChaos } from "./engine/chaos.js";
import { createDelivery, type Delivering, type Endpoint } from "./engine/delivery.js";
import type { Objects, Type } from "./engine/engine.js";
import { createExpander } from "./engine/expansion.js";
import { createHttp } from "./engine/http.js";
import { createIdempotency } from "./engine/idempotency.js";
import { noJournal } from "./engine/journal.js";
import { createLog } from "./engine/log.js";
import { restore } from "./engine/recovery.js";
import { type Core, createStore } from "./engine/store.js";
import { createTables } from "./engine/tables.js";
import { modules } from "./modules.js";

export interface StripeOptions {
  readonly clock: Clock;
  readonly port?: number;
  /** `sk_test_…` or `sk_live_…`, which decides `livemode`. */
  readonly secretKey: string;
  readonly publishableKey?: string;
  readonly endpoints?: readonly Endpoint[];
  /** Journal of the objects, for the next start. */
  readonly file?: string;
  /** Base URL of the pages, when a browser reaches them at another address. */
  readonly publicUrl?: string;
}
export type StripeStandIn = Awaited<ReturnType<typeof startStripe>>;

const idle: Core["deliver"] = { count: () => 0, start() {} };

function listen(server: Server, port: number): Promise<number> {
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function createCore({ clock, secretKey, endpoints = [] }: StripeOptions) {
  const kinds = modules.flatMap((module) => module.kinds ?? []);
  const core: Core = {
    clock,
    modules: [...modules],
    kinds,
    tables: createTables(kinds),
    livemode: secretKey.startsWith("sk_live_") || secretKey.startsWith("rk_live_"),
    journal: noJournal,
    publicUrl: "",
    disorder: createChaos(),
    deliver: idle,
    timers: 0,
  };
  const delivery = createDelivery(core, endpoints);
  core.modules.push({ timers: delivery.timers });
  return { core, delivery };
}

/** Ends deliveries and requests; the journal, to which they write, closes last. */
async function close(server: Server, core: Core, delivery: Delivering): Promise<void> {
  delivery.stop();
  core.deliver = idle;
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  core.journal.close();
  core.journal = noJournal;
}

/** Starts the stand-in for the parts of Stripe in use, on the local clock: for the SDK, browsers and tests. */
export async function startStripe(options: StripeOptions) {
  const { core, delivery } = createCore(options);
  const idempotency = createIdempotency(core.clock);
  const keys = { secret: options.secretKey, publishable: options.publishableKey };
  const routes = core.modules.flatMap((module) => module.routes ?? []);
  const pages = core.modules.flatMap((module) => module.pages ?? []);
  const api = { core, keys, idempotency, expand: createExpander(core.kinds, core.tables) };
  const log = createLog(core.clock);
  const actions = createActions(core, delivery);
  const controlled = { core, delivery, log, actions };
  const http = createHttp({ api, log, routes, pages, control: createControl(controlled) });
  const server = createAdaptorServer({ fetch: http.fetch }) as Server;
  const port = await listen(server, options.port ?? 0);
  const url = `http://127.0.0.1:${port}`;
  core.publicUrl = options.publicUrl ?? url;
  core.deliver = delivery;
  // Synchronous with the end of `listen`, so that no request precedes the recovery.
  if (options.file) delivery.resume(restore(core, idempotency, options.file));
  return {
    url,
    port,
    chaos: core.disorder.chaos,
    setEndpoints: delivery.setEndpoints,
    ...createShortcuts(actions),
    requests: log.list,
    forgetRequests: log.clear,
    /** One request of each kind that the platform has made; `forgetRequests` keeps them. */
    kinds: log.kinds,
    /** Objects of one account, of the platform (`null`) or of all, newest first. */
    objects: <T extends Type>(type: T, account?: string | null) => objectsOf(core, type, account) as Objects[T][],
    events: (account?: string | null) => objectsOf(core, "event", account) as Stripe.Event[],
    /** The store of an account, in which a test prepares states that no request reaches. */
    store: (account?: string) => createStore(core, account),
    /** Runs an action of `Module.actions`. @throws Failure */
    act: (name: string, input: Record<string, unknown> = {}) => actions[name]?.(input),
    forge: (forgery: Forgery) => forge(core, delivery, forgery),
    release: delivery.release,
    /** Resolves when no webhook is queued or in flight; held and scheduled ones remain. */
    settled: delivery.settled,
    state: () => stateOf(controlled),
    stop: () => close(server, core, delivery),
  };
}

import { mkdirSync } from "node:fs";
import type { RequestListener } from "node:http";
import { type FunctionName, functions } from "../topology.js";
import { type Endpoints, startEndpoints } from "./aws/endpoints.js";
import { type Mailbox, openMailbox } from "./aws/mailbox.js";
import type { HostOptions } from "./host.js";
import { type Bundle, bundle } from "./lambda/bundle.js";
import type { Clock } from "./lambda/clock.js";
import { type Gateway, startGateway } from "./lambda/gateway.js";
import { type Admin, openAdmin } from "./postgres/admin.js";
import { type Bridge, startBridge } from "./postgres/bridge.js";
import { startPostgres } from "./postgres/server.js";
import { readSecrets, type Secrets } from "./secrets.js";
import { type StripeHost, startStripeHost } from "./stripe/host.js";

/** Services that start before the first function. */
export interface Services {
  readonly admin: Admin;
  readonly postgresPid: number | undefined;
  readonly bridge: Bridge;
  readonly bundles: Readonly<Record<FunctionName, Bundle>>;
  readonly endpoints: Endpoints;
  readonly gateway: Gateway;
  /** The function URL of the Stripe webhook. */
  readonly webhooks: Gateway;
  readonly stripe: StripeHost;
  readonly mailbox: Mailbox;
  readonly secrets: Secrets;
}

/** Stop functions of the started parts, called in reverse order. */
export type Stops = (() => unknown)[];

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Starts a part, reports its duration, and records its stop function. */
const starter = (stops: Stops, progress: HostOptions["progress"]) =>
  async function part<Part>(start: Promise<Part>, tell: (part: Part) => string, end: (part: Part) => unknown) {
    const since = performance.now();
    const started = await start;
    stops.push(() => end(started));
    progress?.(`${tell(started)} (${seconds(since)})`);
    return started;
  };

async function startDatabase(options: HostOptions, stops: Stops, part: ReturnType<typeof starter>) {
  const { dir, ports, durable = false, database } = options;
  const postgres = database
    ? { adminUrl: database, port: Number(new URL(database).port || 5432), pid: undefined }
    : await part(
        startPostgres({ dir, durable, ...(ports?.postgres && { port: ports.postgres }) }),
        ({ port }) => `PostgreSQL 18 on port ${port}`,
        (server) => server.stop(),
      );
  const bridge = await startBridge({ postgresPort: postgres.port });
  stops.push(() => bridge.stop());
  const admin = await openAdmin(postgres.adminUrl, "stoa");
  stops.push(() => admin.stop());
  return { bridge, admin, postgresPid: postgres.pid };
}

/** Starts database, endpoints and gateways in parallel. `stops` holds the started parts, also after a failure. */
export async function startServices(
  options: HostOptions,
  clock: Clock,
  local: RequestListener,
  stops: Stops,
): Promise<Services> {
  const { dir, ports = {}, durable = false, build, external } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const kept: { dir?: string } = durable ? { dir } : {};
  const part = starter(stops, options.progress);
  const starting = [
    startDatabase(options, stops, part),
    part(
      bundle(Object.keys(functions) as FunctionName[], build ? { outdir: build } : {}),
      (bundles) => `${Object.keys(bundles).length} functions bundled`,
      () => undefined,
    ),
    part(
      startEndpoints({ clock, ports, ...kept, ...(external && { external }) }),
      (endpoints) => `SQS at ${endpoints.sqsUrl}, EventBridge at ${endpoints.eventBridgeUrl}`,
      (endpoints) => endpoints.stop(),
    ),
    part(
      startGateway({ local, ...options.address, ...(ports.http && { port: ports.http }) }),
      ({ port }) => `API Gateway on port ${port}`,
      (gateway) => gateway.stop(),
    ),
    part(
      startGateway({ endpoint: "url", ...(ports.webhooks && { port: ports.webhooks }) }),
      ({ port }) => `URL of the webhooks on port ${port}`,
      (webhooks) => webhooks.stop(),
    ),
    readSecrets(dir),
    openMailbox(kept.dir),
  ] as const;
  await Promise.allSettled(starting); // a failure is cleaned up only when no part is starting any more
  const [data, bundles, endpoints, gateway, webhooks, secrets, mailbox] = await Promise.all(starting);
  const webhookUrl = `http://127.0.0.1:${webhooks.port}`;
  const stripe = await part(
    startStripeHost({ clock, secrets, webhookUrl, account: options.stripe, port: ports.stripe, dir: kept.dir }),
    ({ standIn }) => (standIn ? `Stripe's stand-in at ${standIn.url}` : "Stripe itself, with a key of yours"),
    ({ standIn }) => standIn?.stop(),
  );
  return { ...data, bundles, endpoints, gateway, webhooks, stripe, secrets, mailbox };
}

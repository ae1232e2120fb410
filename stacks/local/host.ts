import type { RequestListener } from "node:http";
import { join } from "node:path";
import { type FunctionName, type FunctionSpec, functions, queues, schedules } from "../topology.js";
import { browsed } from "./address.js";
import { queueNames } from "./aws/endpoints.js";
import { type Clock, createClock } from "./lambda/clock.js";
import { type LogLine, startEnvironment } from "./lambda/environment.js";
import { createLog, type Log } from "./lambda/log.js";
import { startPoller } from "./lambda/poller.js";
import { createPool, type Pool } from "./lambda/pool.js";
import { type Scheduler, startScheduler } from "./lambda/scheduler.js";
import { createPages } from "./page/pages.js";
import { waitUntilIdle } from "./pending-work.js";
import type { Secrets } from "./secrets.js";
import { type Services, type Stops, startServices } from "./services.js";
import { databaseUrl, environmentOf } from "./settings.js";
import type { StripeAccount } from "./stripe/host.js";
import type { StripeStandIn } from "./stripe/server.js";

export interface HostOptions {
  /** Data folder of the host. */
  readonly dir: string;
  /** Preferred ports; a port in use is replaced by a free one, and so is an absent one. */
  readonly ports?: {
    readonly http?: number;
    readonly sqs?: number;
    readonly eventbridge?: number;
    readonly postgres?: number;
    readonly webhooks?: number;
    readonly stripe?: number;
  };
  /** The host on which the API listens, and whether `ports.http` was chosen, so that no other one takes its place. */
  readonly address?: { readonly host: string; readonly exact: boolean };
  /** Added to the environment of every function. */
  readonly env?: Readonly<Record<string, string>>;
  /** Receives a line for each started part, with its duration. */
  progress?(line: string): void;
  /** Forces commits to the disk, and keeps queues and mail for the next start. */
  readonly durable?: boolean;
  /** `false`: pollers receive no messages before `resume()`. */
  readonly consumers?: boolean;
  /** `false`: schedules run by `runSchedule` only. */
  readonly schedules?: boolean;
  /** Superuser's URL of a PostgreSQL on this machine, in place of the embedded one. */
  readonly database?: string;
  /** Endpoints of other implementations of SQS and EventBridge. */
  readonly external?: { readonly sqs?: string | undefined; readonly eventbridge?: string | undefined };
  /** A real Stripe account, in place of the stand-in. */
  readonly stripe?: StripeAccount | undefined;
  /** Folder of the bundles; inside the project, so that native packages resolve. */
  readonly build?: string;
}

/** The whole system on this machine. */
export interface Host extends Omit<Services, "gateway" | "webhooks" | "stripe"> {
  readonly url: string;
  /** Base URL of the webhook endpoints `/platform` and `/connect`. */
  readonly webhookUrl: string;
  /** None with a real Stripe account. */
  readonly stripe: StripeStandIn | undefined;
  readonly dir: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly pools: Readonly<Record<FunctionName, Pool>>;
  /** Connection strings by role; `postgres` is the superuser's. */
  readonly databases: { readonly app: string; readonly relay: string; readonly postgres: string };
  /** Environment variables of a function. */
  env(name: FunctionName): Record<string, string>;
  logs(): readonly LogLine[];
  /** Adds a listener for log lines; returns the function that removes it. */
  onLog(listener: (line: LogLine) => void): () => void;
  pids(name: FunctionName): number[];
  runSchedule(name: keyof typeof schedules): Promise<unknown>;
  /** Consumers stop taking messages; resolves when their batches are done. */
  pause(): Promise<void>;
  resume(): void;
  /**
   * Resolves when queues, outbox and due jobs are empty and nothing runs. @throws when that takes longer than
   * `timeoutMs` (a message that failed waits for its visibility timeout on the clock), saying what is left
   */
  idle(options?: { timeoutMs?: number }): Promise<void>;
  stop(): Promise<void>;
}

const names = Object.keys(functions) as FunctionName[];

/** The maximum of concurrent environments: requests, or batches of the function's queues plus its schedules. */
function maximumOf(name: FunctionName): number {
  if (name === "api") return 16;
  if (name === "stripe") return 4;
  const batches = Object.values(queues).map(({ consumer, maximumConcurrency }) =>
    consumer === name ? maximumConcurrency : 0,
  );
  const ticks = Object.values(schedules).map((schedule) => (schedule.function === name ? 1 : 0));
  return Math.max(
    1,
    [...batches, ...ticks].reduce<number>((sum, count) => sum + count, 0),
  );
}

type Env = (name: FunctionName) => Record<string, string>;

function createPools({ bundles }: Services, env: Env, log: Log, stops: Stops) {
  const pools = names.map((name) => {
    const { timeout, memory }: FunctionSpec = functions[name];
    const start = () =>
      startEnvironment({ function: name, ...bundles[name], memory, env: env(name), onLine: log.write });
    const pool = createPool({ function: name, maximum: maximumOf(name), timeoutMs: timeout * 1000, start });
    stops.push(() => pool.stop());
    return [name, pool] as const;
  });
  return Object.fromEntries(pools) as Record<FunctionName, Pool>;
}

function startPollers({ endpoints }: Services, pools: Record<FunctionName, Pool>, log: Log, stops: Stops) {
  const pollers = queueNames.map((name) => {
    const { consumer, batchSize, maximumConcurrency } = queues[name];
    const { url: queueUrl = "", arn: queueArn = "" } = endpoints.queues.get(name) ?? {};
    const onError = ({ message }: Error) => {
      const text = JSON.stringify({ level: "WARN", message: `A batch of the queue "${name}" failed.`, error: message });
      log.write({ function: consumer, pid: process.pid, at: Date.now(), stream: "stderr", text });
    };
    const pool = pools[consumer];
    return startPoller({
      client: endpoints.pollClient,
      queueUrl,
      queueArn,
      batchSize,
      maximumConcurrency,
      pool,
      onError,
    });
  });
  stops.push(() => Promise.all(pollers.map((poller) => poller.stop())));
  return {
    pause: async () => void (await Promise.all(pollers.map((poller) => poller.pause()))),
    resume: () => {
      for (const poller of pollers) poller.resume();
    },
  };
}

function startSchedules(
  clock: Clock,
  pools: Record<FunctionName, Pool>,
  options: HostOptions,
  stops: Stops,
): Scheduler {
  const scheduler = startScheduler({
    clock,
    schedules,
    invoke: (name, event) => pools[name as FunctionName].invoke(event),
    enabled: options.schedules !== false,
  });
  stops.push(() => scheduler.stop());
  return scheduler;
}

const databasesOf = (adminUrl: string, { appPassword, relayPassword }: Secrets) => ({
  app: databaseUrl(adminUrl, "stoa_app", appPassword),
  relay: databaseUrl(adminUrl, "stoa_relay", relayPassword),
  postgres: adminUrl,
});

/** Migrates the database and starts the first environment of the API. */
async function deploy(pools: Record<FunctionName, Pool>, { progress }: HostOptions) {
  const since = performance.now();
  await pools.migrate.invoke({});
  await pools.migrate.stop();
  await pools.api.prewarm(1);
  progress?.(`Database migrated, API warm (${((performance.now() - since) / 1000).toFixed(1)} s)`);
}

/** Stops all started parts in reverse order; a failing stop does not prevent the others. */
async function stopAll(stops: Stops): Promise<void> {
  const failures: unknown[] = [];
  for (const step of stops.splice(0).reverse())
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw new AggregateError(failures, "Not everything could be stopped.");
}

/** Starts everything, migrates the database as a deployment does, and serves. @throws when a part does not start */
export async function startHost(options: HostOptions): Promise<Host> {
  const stops: Stops = [];
  try {
    return await start(options, stops);
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

async function start(options: HostOptions, stops: Stops): Promise<Host> {
  const { dir } = options;
  const clock = createClock();
  const log = createLog({ file: join(dir, "log.jsonl") });
  stops.push(log.flush, clock.stop);
  let pages: RequestListener = (_, response) => response.writeHead(503).end();
  const services = await startServices(options, clock, (...call) => pages(...call), stops);
  const { gateway, webhooks, stripe, ...shared } = services;
  const { admin, bridge, secrets, endpoints } = shared;
  const url = `http://${browsed(options.address?.host ?? "127.0.0.1")}:${gateway.port}`;
  const sources = { url, adminUrl: admin.url, bridgePort: bridge.port, secrets, endpoints, stripe: stripe.settings };
  const env: Env = (name) => ({ ...environmentOf(name, sources), ...options.env });
  const pools = createPools(services, env, log, stops);

  await deploy(pools, options);

  const { pause, resume } = startPollers(services, pools, log, stops);
  if (options.consumers === false) await pause();
  const scheduler = startSchedules(clock, pools, options, stops);

  const host: Host = {
    ...shared,
    url,
    webhookUrl: `http://127.0.0.1:${webhooks.port}`,
    stripe: stripe.standIn,
    dir,
    clock,
    scheduler,
    pools,
    databases: databasesOf(admin.url, secrets),
    env,
    logs: log.lines,
    onLog: log.follow,
    pids: (name) => pools[name].pids(),
    runSchedule: (name) => scheduler.run(name),
    pause,
    resume,
    idle: ({ timeoutMs = 15_000 } = {}) =>
      waitUntilIdle({ endpoints, admin, pools, scheduler, stripe: stripe.standIn }, timeoutMs),
    stop: () => stopAll(stops),
  };
  pages = createPages(host);
  gateway.serve(pools.api);
  webhooks.serve(pools.stripe);
  return host;
}

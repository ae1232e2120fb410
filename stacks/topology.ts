import type { needs } from "../core/kernel/config.js";

/**
 * What both hosts run: AWS (stacks/*.ts) and this machine (stacks/local/). Declared once here; a test holds
 * both to it. Seconds everywhere.
 */
export interface FunctionSpec {
  /** `file.export`, as Lambda names a handler. */
  readonly handler: string;
  readonly timeout: number;
  /** MB; argon2 wants a whole vCPU, which Lambda gives at 1769. */
  readonly memory: number;
  /** Files that the handler reads at run time, from → to inside the package. */
  readonly copy?: readonly { from: string; to: string }[];
  /** Packages that lie beside the bundle: native ones, and large ones that few requests load. */
  readonly install?: readonly string[];
  /** Reached at a URL of its own, by anybody: it knows by itself who is calling. */
  readonly url?: true;
  /** Executions at once, set aside for it and never more: a URL of its own has no throttle in front. */
  readonly concurrency?: number;
  /** Packages of code that this function carries and never reaches: it has the modules without their routes or jobs. */
  readonly external?: readonly string[];
}

export type FunctionName = keyof typeof needs;

/** Loaded by the request that first needs them: the hash and the rating of passwords, and slugs from any script. */
const loadedLate = ["@node-rs/argon2", "@zxcvbn-ts/core", "@zxcvbn-ts/language-common", "any-ascii"];

export const functions = {
  api: {
    handler: "functions/api.handler",
    timeout: 20,
    memory: 1769,
    install: loadedLate,
    copy: [
      ...["errors", "events", "glossary", "guides/payments", "guides/test-mode"].map((name) => ({
        from: `docs/${name}.md`,
        to: `docs/${name}.md`,
      })),
      ...["index.html", "document.html", "page.css", "page.js", "icon.svg", "examples.json"].map((name) => ({
        from: `docs/reference/${name}`,
        to: `docs/reference/${name}`,
      })),
      ...["swagger-ui.css", "swagger-ui-bundle.js"].map((name) => ({
        from: `node_modules/swagger-ui-dist/${name}`,
        to: `docs/reference/${name}`,
      })),
    ],
  },
  events: { handler: "functions/worker.events", timeout: 30, memory: 1024, external: [...loadedLate, "stripe"] },
  jobs: { handler: "functions/worker.jobs", timeout: 60, memory: 1024, external: loadedLate },
  relay: { handler: "functions/relay.handler", timeout: 60, memory: 512 },
  schedule: {
    handler: "functions/schedule.handler",
    timeout: 60,
    memory: 512,
    external: [...loadedLate, "stripe"],
  },
  stripe: {
    handler: "functions/stripe-webhook.handler",
    timeout: 10,
    memory: 512,
    url: true,
    concurrency: 10,
    external: [...loadedLate, "stripe"],
  },
  migrate: {
    handler: "functions/migrate.handler",
    timeout: 300,
    memory: 512,
    external: [...loadedLate, "stripe"],
    copy: ["migrations", "roles.sql", "before.sql", "rules.sql", "ledger.sql", "platform.sql"].map((name) => ({
      from: `drizzle/${name}`,
      to: `database/${name}`,
    })),
  },
} as const satisfies Record<FunctionName, FunctionSpec>;

export interface QueueSpec {
  readonly consumer: FunctionName;
  readonly batchSize: number;
  /** How long Lambda gathers a batch. */
  readonly window: number;
  readonly maximumConcurrency: number;
  /** `MessageGroupId` = tenant, on a standard queue: SQS fair queues. */
  readonly fair: boolean;
}

export const queues = {
  nudge: { consumer: "relay", batchSize: 10, window: 0, maximumConcurrency: 2, fair: false },
  events: { consumer: "events", batchSize: 10, window: 0, maximumConcurrency: 10, fair: false },
  jobs: { consumer: "jobs", batchSize: 10, window: 0, maximumConcurrency: 10, fair: true },
} as const satisfies Record<string, QueueSpec>;

export type QueueName = keyof typeof queues;

/** AWS: visibility ≥ 6 × the consumer's timeout, ≥ 5 receives, dead letters kept longer than the queue's own messages. */
export const queueSettings = (name: QueueName) => ({
  visibility: functions[queues[name].consumer].timeout * 6,
  maxReceiveCount: 5,
  retention: 4 * 86_400,
  deadLetterRetention: 14 * 86_400,
});

/** Events leave the relay with this source; one rule takes them to the queue of all subscribers. */
export const bus = { source: "stoa", rule: { pattern: { source: ["stoa"] }, queue: "events" } } as const;

/** `everyMinutes` in production; a stage may choose a longer one, so that an idle preview lets its database sleep. */
export const schedules = {
  relay: { function: "relay", everyMinutes: 1 },
  sweep: { function: "schedule", everyMinutes: 1 },
} as const satisfies Record<string, { function: FunctionName; everyMinutes: number }>;

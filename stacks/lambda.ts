import { needs } from "../core/kernel/config.js";
import { bus } from "./bus.js";
import { gateway } from "./gateway.js";
import { sender } from "./mail.js";
import { capitalize } from "./name.js";
import { queues } from "./queues.js";
import { secrets } from "./secrets.js";
import { stageSettings } from "./stage.js";
import { type FunctionName, type FunctionSpec, functions } from "./topology.js";

const { logRetention } = stageSettings($app.stage);

const values: Record<(typeof needs)[FunctionName][number], $util.Input<string>> = {
  STAGE: $app.stage,
  DATABASE_URL: secrets.DATABASE_URL.value,
  RELAY_DATABASE_URL: secrets.RELAY_DATABASE_URL.value,
  MIGRATE_DATABASE_URL: secrets.MIGRATE_DATABASE_URL.value,
  TOKEN_KEYS: secrets.TOKEN_KEYS.value,
  DATA_KEY: secrets.DATA_KEY.value,
  MAIL_FROM: sender,
  MAIL_PROVIDER: "ses",
  NUDGE_QUEUE_URL: queues.nudge.queue.url,
  JOBS_QUEUE_URL: queues.jobs.queue.url,
  BUS_NAME: bus.name,
  PUBLIC_URL: gateway.url,
  STRIPE_SECRET_KEY: secrets.STRIPE_SECRET_KEY.value,
  STRIPE_PUBLISHABLE_KEY: secrets.STRIPE_PUBLISHABLE_KEY.value,
  STRIPE_WEBHOOK_SECRETS: secrets.STRIPE_WEBHOOK_SECRETS.value,
  STRIPE_CONNECT_WEBHOOK_SECRETS: secrets.STRIPE_CONNECT_WEBHOOK_SECRETS.value,
};

/** One permission: named actions on one named resource. Never SST's `link`, which grants `sqs:*` and `events:*`. */
export const allow = (actions: string[], resource: $util.Input<string>) => ({ actions, resources: [resource] });

export const send = ({ queue }: { queue: sst.aws.Queue }) => allow(["sqs:SendMessage"], queue.arn);

interface Options {
  permissions?: ReturnType<typeof allow>[];
  /** Its code is replaced only when this is done. */
  after?: $util.Resource;
}

/** A function of the topology, with exactly the environment that its entry checks at start. */
export function lambda(name: FunctionName, { permissions = [], after }: Options = {}) {
  const spec: FunctionSpec = functions[name];
  const { handler, timeout, memory, install = [], external = [], copy = [], url = false, concurrency } = spec;
  return new sst.aws.Function(`${capitalize(name)}Lambda`, {
    handler,
    runtime: "nodejs24.x",
    architecture: "arm64",
    timeout: `${timeout} seconds`,
    memory: `${memory} MB`,
    nodejs: { install: [...install], esbuild: { external: [...external] } },
    copyFiles: [...copy],
    logging: { format: "json", retention: logRetention },
    environment: Object.fromEntries(needs[name].map((variable) => [variable, values[variable]])),
    permissions,
    // No browser has business at such a URL, and whoever calls cannot sign as AWS wants it.
    url: url && { authorization: "none", cors: false },
    ...(concurrency && { concurrency: { reserved: concurrency } }),
    // Only ticks are asynchronous, and the retry of a tick is the next one.
    retries: 0,
    transform: {
      // SST lets the whole account assume the role, which only `sst dev` needs.
      role: $dev ? {} : { assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }) },
      function: (_, options) => {
        if (after) options.dependsOn = [after];
      },
    },
  });
}

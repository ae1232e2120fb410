import { join } from "node:path";
import { readAddress, rememberPort } from "./address.js";
import { type Demo, seed } from "./demo/seed.js";
import { writeSettings } from "./demo/settings.js";
import { describeFullDisk } from "./disk.js";
import { type Host, startHost } from "./host.js";
import { projectRoot } from "./lambda/bundle.js";
import type { LogLine } from "./lambda/environment.js";
import { type Lock, takeLock } from "./lock.js";
import type { StripeAccount } from "./stripe/host.js";

/** Ports that are easy to remember; another one is taken when one is in use. */
const ports = { stripe: 12_111, sqs: 9324, eventbridge: 9325, postgres: 54_329 };
const dir = join(projectRoot, ".stoa/data");

const say = (line = "") => console.log(line);

/** The line about a function's error. */
function troubleIn({ function: name, stream, text }: LogLine): string | undefined {
  try {
    const { level, message, errorMessage, error } = JSON.parse(text);
    const reason = errorMessage ?? error?.message;
    return level === "ERROR" ? `${name}: ${message}${reason ? ` (${String(reason).split("\n")[0]})` : ""}` : undefined;
  } catch {
    return stream === "stderr" && text.trim() ? `${name}: ${text}` : undefined;
  }
}

/** Prints errors of functions; the log file has all lines. */
function showTrouble(line: LogLine) {
  const trouble = troubleIn(line);
  if (trouble === undefined) return;
  say(`  ! ${trouble}`);
  const full = describeFullDisk(dir);
  if (full) say(`  ! ${full}`);
}

function showPlaces(host: Host) {
  const places = {
    "Start here": host.url,
    Reference: `${host.url}/docs`,
    "This machine": `${host.url}/_local`,
    Mail: `${host.url}/_local/mail`,
    Stripe: host.stripe ? `${host.stripe.url} (a stand-in)` : "api.stripe.com, with your test key",
    Webhooks: `${host.webhookUrl}/platform and /connect`,
    SQS: host.endpoints.sqsUrl,
    EventBridge: host.endpoints.eventBridgeUrl,
    Postgres: host.databases.postgres,
    Log: join(dir, "log.jsonl"),
  };
  for (const [name, place] of Object.entries(places)) say(`  ${name.padEnd(14)}${place}`);
}

function showDemo({ tenants }: Demo, host: Host) {
  for (const { name, tenant, email, password, publishableKey, secretKey } of tenants) {
    say(`\n  ${name} (tenant "${tenant}", in test mode)`);
    say(`    login         ${email}  ${password}`);
    say(`    publishable   ${publishableKey}`);
    say(`    secret        ${secretKey}`);
  }
  const [first] = tenants;
  if (!first) return;
  writeSettings(host.url, first);
  say(`\n  Open ${host.url} in a browser, or in a second terminal:\n`);
  say(`    npm run demo:buy     buys something from ${first.name}, and shows the requests`);
  if (host.stripe) say("    npm run demo:card    the same, paid by card on Stripe's page");
  if (host.stripe) say("    npm run demo:plan    chooses a plan for the shop");
  say(`    . .stoa/demo.env; curl "$URL/v1/store/products" -H "Authorization: Bearer $PK"`);
}

/**
 * The real Stripe account of the environment's keys. `stripe listen` forwards events with one secret for both
 * endpoints: `--forward-to …/platform --forward-connect-to …/connect`.
 */
function stripeAccount(): StripeAccount | undefined {
  const { STRIPE_SECRET_KEY: secretKey, STRIPE_PUBLISHABLE_KEY: publishableKey, STRIPE_WEBHOOK_SECRET } = process.env;
  const { STRIPE_WEBHOOK_SECRETS, STRIPE_CONNECT_WEBHOOK_SECRETS: connectWebhookSecrets } = process.env;
  if (!secretKey) return undefined;
  // A live key would charge real money for demo goods.
  if (!/^(?:sk|rk)_test_/.test(secretKey))
    throw new Error("STRIPE_SECRET_KEY must be a test mode key on this machine.");
  if (!publishableKey) throw new Error("STRIPE_SECRET_KEY also needs STRIPE_PUBLISHABLE_KEY of the same account.");
  const webhookSecrets = STRIPE_WEBHOOK_SECRETS || STRIPE_WEBHOOK_SECRET || undefined;
  return { secretKey, publishableKey, webhookSecrets, connectWebhookSecrets: connectWebhookSecrets || undefined };
}

/** Aborts at the first stop signal; the second one exits, and child processes end with this one. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.removeAllListeners(signal); // those of start.mjs, for the time before
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(130);
      say("\nStopping.");
      stop.abort();
    });
  }
  return stop.signal;
}

async function serve(host: Host, lock: Lock, stop: AbortSignal) {
  const demo = await seed(host).catch(({ message }: Error): Demo => {
    if (!stop.aborted) say(`  ! The demo shops could not be created: ${message}`);
    return { tenants: [] };
  });
  if (stop.aborted) return;
  lock.announce(host.url);
  rememberPort(dir, host.url);
  say(`\nReady after ${process.uptime().toFixed(1)} s.\n`);
  showPlaces(host);
  showDemo(demo, host);
  say("\nPress Ctrl-C to stop.");
}

async function run(lock: Lock, stop: AbortSignal) {
  const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  say("Starting Stoa on this machine.\n");
  const { host: name, port, isChosen } = readAddress(dir, process.env);
  // The SDK's own variables select other implementations of SQS and EventBridge.
  const { AWS_ENDPOINT_URL_SQS: sqs, AWS_ENDPOINT_URL_EVENTBRIDGE: eventbridge } = process.env;
  const progress = (line: string) => stop.aborted || say(`  ✓ ${line}`);
  const external = { sqs, eventbridge };
  const host = await startHost({
    dir,
    ports: { ...ports, http: port, webhooks: port + 1 },
    address: { host: name, exact: isChosen },
    durable: true,
    external,
    stripe: stripeAccount(),
    progress,
  });
  try {
    if (stop.aborted) return;
    host.onLog(showTrouble);
    await Promise.race([stopped, serve(host, lock, stop).then(() => stopped)]);
  } finally {
    await host.stop();
  }
}

const lock = takeLock(dir);
if ("pid" in lock) {
  say(`Stoa is already running in this folder (process ${lock.pid}): ${lock.url ?? "it is starting"}.`);
  process.exit(1);
}
const stop = stopSignal();
try {
  await run(lock, stop);
} catch (error) {
  // What is ended in the middle of its start fails in many ways, and none of them is news.
  if (!stop.aborted) {
    say(`\nStoa could not start: ${describeFullDisk(dir) ?? (error as Error).message}`);
    process.exitCode = 1;
  }
} finally {
  lock.release();
}
if (stop.aborted) say("Stopped.");
process.exit();

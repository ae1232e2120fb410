import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, startHost } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { type Generator, startGenerator } from "./generator.js";
import { layFloor } from "./ground.js";
import { CONNECTIONS, type Length, type Measured, measure } from "./measure.js";
import { budgetsOf, print, type Report } from "./report.js";
import { type ScenarioName, scenarios } from "./scenario.js";
import { openShop, type Shop } from "./shop.js";
import { countTrips } from "./trips.js";
import { measureWebhooks } from "./webhook.js";
import { weigh } from "./weight.js";

const quick = process.argv.includes("--quick");
const products = 1_000;
const orders = quick ? 60 : 400;
const length: Length = quick ? { seconds: 2, slices: 1, warmUp: 1 } : { seconds: 4, slices: 5, warmUp: 10 };
const undo: (() => unknown)[] = [];

function say(what: string) {
  console.log(`  ${(performance.now() / 1000).toFixed(0).padStart(3)} s  ${what}`);
}

async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const since = performance.now();
  return [await run(), performance.now() - since];
}

/** Answers are not validated against their schemas, as in production; schedules would be noise. */
const open = (dir: string) => startHost({ dir, schedules: false, env: { VALIDATE_RESPONSES: "off" } });

/** A batch that failed is seen again after its visibility timeout, on the clock of the queues. */
async function quiet(host: Host): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await host.idle({ timeoutMs: 20_000 });
    } catch (error) {
      if (attempt === 3) throw error;
      say((error as Error).message);
      for (const { function: name, text } of host.logs())
        if (/"level":"(WARN|ERROR)"/.test(text)) say(`${name}: ${text}`);
      await host.clock.advance(200_000);
    }
}

async function scale(host: Host, generator: Generator): Promise<Shop> {
  const shop = await openShop(host, products);
  await host.pools.api.prewarm(CONNECTIONS);
  await generator.run({ scenario: "checkout", shop, url: shop.url, connections: CONNECTIONS, rounds: orders });
  await quiet(host);
  await host.admin.query("vacuum analyze");
  return shop;
}

async function run(dir: string): Promise<Report> {
  const [first, firstMs] = await timed(() => open(dir));
  await first.stop();
  const [host, againMs] = await timed(() => open(dir));
  undo.push(() => host.stop());
  const generator = startGenerator();
  undo.push(() => generator.stop());
  say("the host is up");
  const shop = await scale(host, generator);
  say(`${products} products and ${orders} orders are there`);
  const trips = await countTrips(host, shop);
  await quiet(host);
  const webhooks = await measureWebhooks(host, shop, quick ? 400 : 4_000);
  say(`${webhooks.events} events of Stripe are stored`);
  await quiet(host);
  const floor = await layFloor(host, shop);
  undo.push(() => floor.stop());
  await floor.pool.prewarm(CONNECTIONS);
  const measured: Measured[] = [];
  for (const name of Object.keys(scenarios) as ScenarioName[]) {
    say(`measuring ${scenarios[name].name}`);
    measured.push(await measure(host, generator, floor, shop, name, length));
    await quiet(host);
  }
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpus: cpus().length,
    cpu: cpus()[0]?.model ?? "",
    commit: execFileSync("git", ["describe", "--always", "--dirty"], { cwd: projectRoot, encoding: "utf8" }).trim(),
    quick,
    validateResponses: "off",
    products,
    variants: shop.variantIds.length,
    orders,
    startUp: { first: firstMs, again: againMs },
    bundles: weigh(host, quick ? 1 : 5),
    scenarios: measured,
    trips,
    webhooks,
  };
}

const dir = mkdtempSync(join(tmpdir(), "stoa-bench-"));
undo.push(() => rmSync(dir, { recursive: true, force: true }));
async function end() {
  for (const step of undo.splice(0).reverse()) await step();
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => void end().then(() => process.exit(130)));
try {
  const report = await run(dir);
  const budgets = budgetsOf(report);
  const artifacts = join(projectRoot, "artifacts");
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, "bench.json"), `${JSON.stringify({ ...report, budgets }, null, 2)}\n`);
  console.log(print(report, budgets));
  if (budgets.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await end();
}

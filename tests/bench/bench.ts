import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, startHost } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { followOrders, noteCommits } from "./aftermath.js";
import { budgetsOf } from "./budget.js";
import { keepDoorsOpen } from "./door.js";
import { measureFairness } from "./fairness.js";
import { type Generator, startGenerator } from "./generator.js";
import { layFloor } from "./ground.js";
import { measureGrowth } from "./growth.js";
import { compareWithLast, writeRow } from "./history.js";
import { type Measured, measure } from "./measure.js";
import { CONNECTIONS, quick, wantsPeers, wantsRow } from "./mode.js";
import { compareWithPeers, missing, startPeers, stopPeers } from "./peers/comparison.js";
import { print } from "./print.js";
import type { Report } from "./report.js";
import { type ScenarioName, scenarios } from "./scenario.js";
import { openShop, type Shop } from "./shop.js";
import { compareTenants, openShops } from "./tenancy.js";
import { countTrips } from "./trips.js";
import { measureWebhooks } from "./webhook.js";
import { weigh } from "./weight.js";

const size = quick
  ? {
      slices: { seconds: 1, slices: 1, warmUp: 1 },
      tenancy: { seconds: 1, slices: 1 },
      fairness: { seconds: 2, slices: 1 },
      growth: { seconds: 1, slices: 1 },
      following: { slow: 4, fast: 32 },
      webhooks: 400,
      tenants: { small: 400, large: 4_000 },
      peers: { rounds: 1, seconds: 2 },
    }
  : {
      slices: { seconds: 3, slices: 4, warmUp: 5 },
      tenancy: { seconds: 2, slices: 3 },
      fairness: { seconds: 8, slices: 5 },
      growth: { seconds: 1, slices: 3 },
      following: { slow: 15, fast: 200 },
      webhooks: 2_000,
      tenants: { small: 1_000, large: 100_000 },
      peers: { rounds: 3, seconds: 6 },
    };
const products = quick ? 200 : 1_000;
const orders = quick ? 60 : 300;
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

function tellErrors(host: Host): void {
  const errors = host.logs().filter(({ text }) => /"level":"(WARN|ERROR)"/.test(text));
  for (const { function: name, text } of errors.slice(-10)) say(`${name}: ${text}`);
}

/** A batch that failed is seen again after its visibility timeout, on the clock of the queues. */
async function quiet(host: Host): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await host.idle({ timeoutMs: 20_000 });
    } catch (error) {
      if (attempt === 3) throw error;
      say((error as Error).message);
      tellErrors(host);
      await host.clock.advance(200_000);
    }
}

async function scale(host: Host, generator: Generator): Promise<Shop> {
  const shop = await openShop(host, products);
  await host.pools.api.prewarm(CONNECTIONS);
  const order = { scenario: "checkout", shops: [shop], url: shop.url, connections: CONNECTIONS } as const;
  await generator.run({ ...order, rounds: orders });
  await quiet(host);
  await host.admin.query("vacuum analyze");
  return shop;
}

/** Each scenario on the system, and each read on the floor beside it. */
async function measureScenarios(host: Host, generator: Generator, shop: Shop): Promise<Measured[]> {
  const floor = await layFloor(host, shop);
  await floor.pool.prewarm(CONNECTIONS);
  const measured: Measured[] = [];
  try {
    for (const name of Object.keys(scenarios) as ScenarioName[]) {
      say(`measuring ${scenarios[name].name}`);
      measured.push(await measure(host, generator, floor, shop, name, size.slices, () => quiet(host)));
    }
  } finally {
    await floor.stop();
  }
  return measured;
}

/** Medusa and Vendure beside the shop, when they are wanted and there. */
async function comparePeers(shop: Shop): Promise<Pick<Report, "peers">> {
  if (!wantsPeers) return {};
  const how = missing();
  if (how) {
    say(how);
    return {};
  }
  undo.push(stopPeers);
  await startPeers();
  say("Medusa and Vendure are up");
  const peers = await compareWithPeers(shop, size.peers, say);
  await stopPeers();
  return { peers };
}

/** What does not depend on the size of the database comes first; the large tenant is the last. */
async function measureAll(host: Host, generator: Generator) {
  const settle = () => quiet(host);
  const shop = await scale(host, generator);
  say(`${products} products and ${orders} orders are there`);
  const trips = await countTrips(host, shop);
  await settle();
  const webhooks = await measureWebhooks(host, shop, size.webhooks);
  say(`${webhooks.events} events of Stripe are stored`);
  await settle();
  const measured = await measureScenarios(host, generator, shop);
  say("placing orders to see what follows");
  const aftermath = await followOrders(host, generator, shop, size.following, settle);
  const compared = await comparePeers(shop);
  const tenancy = await compareTenants(generator, await openShops(host, shop, products), size.tenancy);
  say("flooding a tenant beside a quiet one");
  const fairness = await measureFairness(host, generator, shop, size.fairness);
  say(`filling a shop with ${size.tenants.large} variants and orders`);
  const growth = await measureGrowth(host, generator, size.tenants, size.growth, settle);
  return {
    shop,
    trips,
    webhooks,
    scenarios: measured,
    aftermath,
    ...compared,
    tenancy,
    fairness,
    growth,
    sizes: size.tenants,
  };
}

async function run(dir: string): Promise<Report> {
  const [first, firstMs] = await timed(() => open(dir));
  await noteCommits(first);
  await first.stop();
  const [host, againMs] = await timed(() => open(dir));
  undo.push(() => host.stop());
  await keepDoorsOpen(host);
  const generator = startGenerator();
  undo.push(() => generator.stop());
  say("the host is up");
  const { shop, ...measured } = await measureAll(host, generator).catch((error) => {
    tellErrors(host);
    throw error;
  });
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpus: cpus().length,
    cpu: cpus()[0]?.model ?? "",
    commit: execFileSync("git", ["describe", "--always", "--dirty"], { cwd: projectRoot, encoding: "utf8" }).trim(),
    quick,
    validateResponses: "off",
    connections: CONNECTIONS,
    products,
    variants: shop.variantIds.length,
    orders,
    startUp: { first: firstMs, again: againMs },
    bundles: weigh(host, quick ? 1 : 5),
    ...measured,
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
  if (quick && wantsRow) throw new Error("A quick run is no result: --write goes without --quick.");
  const report = await run(dir);
  const budgets = budgetsOf(report);
  const artifacts = join(projectRoot, "artifacts");
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, "bench.json"), `${JSON.stringify({ ...report, budgets }, null, 2)}\n`);
  console.log(print(report, budgets));
  console.log(compareWithLast(report));
  if (wantsRow) writeRow(report);
  if (budgets.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await end();
}

import autocannon, { type Request, type Result } from "autocannon";
import { type Memory, type Scenario, type ScenarioName, type Step, scenarios } from "./scenario.js";
import type { Shop } from "./shop.js";

/** What the process that makes the load is asked to do. */
export interface Order {
  readonly scenario: ScenarioName;
  /** Sixteen connections on sixteen shops are one on each. */
  readonly shops: readonly Shop[];
  /** Instead of the shop's: the floor's. */
  readonly url: string;
  readonly connections: number;
  readonly seconds?: number;
  /** Rounds through the steps, instead of seconds. */
  readonly rounds?: number;
  /** Requests for each second, instead of as many as possible. */
  readonly rate?: number;
  /** Refusals are expected: they count as rounds. */
  readonly refusable?: boolean;
}

/** Milliseconds of whole rounds, and of each step of them. */
export interface Load {
  readonly rounds: readonly number[];
  readonly steps: readonly (readonly number[])[];
  readonly perSecond: number;
  /** Status → how often, other than 2xx; and connections that broke. */
  readonly refused: Readonly<Record<string, number>>;
}

const plain = (step: Step, shop: Shop): Request => ({ ...step.request(shop, {}) });
const dynamic = (step: Step, shop: Shop): Request => ({
  setupRequest: (request, memory) => ({ ...request, ...step.request(shop, memory as Memory) }),
  onResponse: (status, body, memory) => {
    if (status < 300) step.learn?.(JSON.parse(body), memory as Memory);
  },
});

/** A request of one step is built once; those that depend on each other are built as they go. */
const requestsOf = ({ steps }: Scenario, shop: Shop) =>
  steps.map((step) => (steps.length === 1 ? plain(step, shop) : dynamic(step, shop)));

/** The load on one shop. */
async function runOn(shop: Shop, order: Order, connections: number): Promise<Load> {
  const { scenario: name, url, seconds = 1, rounds, rate } = order;
  const scenario: Scenario = scenarios[name];
  const width = scenario.steps.length;
  const steps: number[][] = scenario.steps.map(() => []);
  const whole: number[] = [];
  const open = new Map<unknown, number[]>();
  const result = await new Promise<Result>((resolve, reject) => {
    const length = rounds ? { amount: rounds * width } : { duration: seconds };
    const pace = rate === undefined ? {} : { overallRate: rate };
    const options = { url, connections, timeout: 30, requests: requestsOf(scenario, shop), ...length, ...pace };
    autocannon(options, (error, done) => (error ? reject(error) : resolve(done))).on(
      "response",
      (client: unknown, _status: number, _bytes: number, ms: number) => {
        const taken = [...(open.get(client) ?? []), ms];
        steps[taken.length - 1]?.push(ms);
        open.set(client, taken.length === width ? [] : taken);
        if (taken.length === width) whole.push(taken.reduce((sum, part) => sum + part, 0));
      },
    );
  });
  const bad = Object.entries(result.statusCodeStats).filter(([status]) => !status.startsWith("2"));
  const refused = Object.fromEntries(bad.map(([status, { count }]) => [status, count]));
  if (result.errors > 0) refused.broken = result.errors;
  return { rounds: whole, steps, perSecond: result["2xx"] / width / result.duration, refused };
}

const merge = (one: Load, other: Load): Load => ({
  rounds: [...one.rounds, ...other.rounds],
  steps: one.steps.map((step, index) => [...step, ...(other.steps[index] ?? [])]),
  perSecond: one.perSecond + other.perSecond,
  refused: { ...one.refused, ...other.refused },
});

/** The same number of connections on each shop. */
async function run(order: Order): Promise<Load> {
  const { shops, connections } = order;
  const loads = await Promise.all(shops.map((shop) => runOn(shop, order, connections / shops.length)));
  return loads.reduce(merge);
}

process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => undefined); // the bench ends it
process.on("message", (order: Order) => {
  run(order).then(
    (load) => process.send?.({ load }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

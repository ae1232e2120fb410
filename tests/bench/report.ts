import type { FunctionName } from "../../stacks/topology.js";
import type { Latency } from "./figure.js";
import type { Measured } from "./measure.js";
import type { Trips } from "./trips.js";
import type { Webhooks } from "./webhook.js";
import type { Weight } from "./weight.js";

export interface Report {
  readonly date: string;
  readonly node: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly commit: string;
  readonly quick: boolean;
  /** Off, as in production. */
  readonly validateResponses: "off";
  readonly products: number;
  readonly variants: number;
  readonly orders: number;
  /** Milliseconds: into an empty folder, and once more into the same one. */
  readonly startUp: { readonly first: number; readonly again: number };
  readonly bundles: Readonly<Record<FunctionName, Weight>>;
  readonly scenarios: readonly Measured[];
  readonly trips: Readonly<Record<string, Trips>>;
  readonly webhooks: Webhooks;
}

export interface Budget {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly met: boolean;
}

/** The least share of the floor's throughput that a read reaches. */
const LEAST_SHARE = 0.6;
/** Milliseconds in which 99 of 100 events have their answer while the workers stand still. */
const WEBHOOK_P99 = 300;

/** What must hold. Round trips are counted with credential, rate token, BEGIN and COMMIT. */
export function budgetsOf({ trips, scenarios, webhooks, quick }: Report): Budget[] {
  const most: [string, number][] = [
    ["product list (20)", 1],
    ["product detail", 1],
    ["add line", 6],
    ["complete", 10],
  ];
  // A quick run is too short for throughput: it is shown and not judged.
  const judged = quick ? [] : scenarios;
  const shares = judged.flatMap(({ name, share }) => (share === undefined ? [] : [{ name, share }]));
  return [
    ...most.map(([name, limit]) => {
      const value = trips[name]?.roundTrips ?? Number.NaN;
      return { name: `${name}: round trips ≤ ${limit}`, value, limit, met: value <= limit };
    }),
    {
      name: `webhook: p99 ≤ ${WEBHOOK_P99} ms with the workers stopped`,
      value: Math.round(webhooks.latency.p99),
      limit: WEBHOOK_P99,
      met: webhooks.latency.p99 <= WEBHOOK_P99,
    },
    ...shares.map(({ name, share }) => ({
      name: `${name}: throughput ≥ ${LEAST_SHARE * 100} % of the floor`,
      value: share,
      limit: LEAST_SHARE,
      met: share >= LEAST_SHARE,
    })),
  ];
}

/** Columns as wide as they must be; the first one to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const lines = [head, widths.map((width) => "─".repeat(width)), ...rows].map((row) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0))),
  );
  return lines.map((cells) => `  ${cells.join("  ")}`).join("\n");
}

const ms = ({ p50, p90, p99 }: Latency) => [p50, p90, p99].map((value) => value.toFixed(1));
const whole = (value: number) => String(Math.round(value));
const percent = (value: number | undefined) => (value === undefined ? "" : `${Math.round(value * 100)} %`);

function rowsOf({ name, steps, latency, perSecond, floor, share }: Measured, trips: Report["trips"]): string[][] {
  const asks = (step: string) => [trips[step]?.roundTrips, trips[step]?.statements].map((count) => String(count ?? ""));
  const parts = steps.map((step) => [`  ${step.name}`, ...ms(step.latency), "", "", ...asks(step.name)]);
  const rate = perSecond < 100 ? perSecond.toFixed(1) : whole(perSecond);
  const own = [name, ...ms(latency), rate, percent(share), ...(steps.length === 1 ? asks(name) : ["", ""])];
  const bare = floor && ["  floor", ...ms(floor.latency), whole(floor.perSecond), "100 %", "1", ""];
  return [own, ...(steps.length === 1 ? [] : parts), ...(bare ? [bare] : [])];
}

/** All of it, for a person. */
export function print(report: Report, budgets: readonly Budget[]): string {
  const { startUp, bundles, scenarios, trips, webhooks, node, cpus, commit, products, variants, orders } = report;
  const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;
  const weights = Object.entries(bundles).map(([name, { bytes, importMs }]) => [
    name,
    `${Math.round(bytes / 1000)} kB`,
    `${Math.round(importMs)} ms`,
  ]);
  return [
    `\nNode ${node}, ${cpus} cores, ${commit}; ${products} products, ${variants} variants, ${orders} orders; answers are not validated, as in production.`,
    `Host ready in ${seconds(startUp.first)} with an empty folder, in ${seconds(startUp.again)} again.\n`,
    table(
      ["ms at 1 connection, rate at 16", "p50", "p90", "p99", "per s", "of floor", "round trips", "statements"],
      scenarios.flatMap((measured) => rowsOf(measured, trips)),
    ),
    "",
    table(
      [`ms at ${webhooks.connections} connections`, "p50", "p90", "p99", "per s"],
      [[`${webhooks.events} events of Stripe`, ...ms(webhooks.latency), whole(webhooks.perSecond)]],
    ),
    "",
    table(["bundle", "size", "import"], weights),
    "",
    ...budgets.map(({ name, value, met }) => {
      const shown = value < 1 ? percent(value) : Number.isInteger(value) ? String(value) : percent(value);
      return `  ${met ? "✓" : "✗"} ${name} (${shown})`;
    }),
    "",
  ].join("\n");
}

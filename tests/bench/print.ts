import { type Aftermath, total } from "./aftermath.js";
import type { Budget } from "./budget.js";
import { type Cpu, cpuParts, sumOf } from "./cpu.js";
import type { Latency } from "./figure.js";
import type { Measured } from "./measure.js";
import { workNames } from "./peers/side.js";
import { ratiosOf } from "./ratio.js";
import type { Report } from "./report.js";

/** Columns as wide as they must be; the first one to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const lines = [head, widths.map((width) => "─".repeat(width)), ...rows].map((row) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0))),
  );
  return lines.map((cells) => `  ${cells.join("  ").trimEnd()}`).join("\n");
}

const ms = ({ p50, p90, p99 }: Latency) => [p50, p90, p99].map((value) => value.toFixed(1));
const whole = (value: number) => String(Math.round(value));
const short = (value: number) => (value < 100 ? value.toFixed(1) : whole(value));
const percent = (value: number | undefined) => (value === undefined ? "" : `${Math.round(value * 100)} %`);
const times = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ×`;
const seconds = (value: number) => `${(value / 1000).toFixed(1)} s`;

function rowsOf({ name, steps, latency, perSecond, floor, share, speedUp }: Measured, trips: Report["trips"]) {
  const asks = (step: string) => [trips[step]?.roundTrips, trips[step]?.statements].map((count) => String(count ?? ""));
  const parts = steps.map((step) => [`  ${step.name}`, ...ms(step.latency), "", "", "", ...asks(step.name)]);
  const counts = steps.length === 1 ? asks(name) : ["", ""];
  const own = [name, ...ms(latency), short(perSecond), times(speedUp), percent(share), ...counts];
  const bare = floor && ["  floor", ...ms(floor.latency), whole(floor.perSecond), "", "100 %", "1"];
  return [own, ...(steps.length === 1 ? [] : parts), ...(bare ? [bare] : [])];
}

const cpuCells = (cpu: Cpu) => [...cpuParts.map((part) => cpu[part].toFixed(2)), sumOf(cpu).toFixed(1)];

const cpuRows = ({ scenarios, connections, aftermath: { slow, fast } }: Report) => [
  ...scenarios.flatMap(({ name, cpu }) => [
    [`${name}, 1 connection`, ...cpuCells(cpu.alone)],
    [`${name}, ${connections}`, ...cpuCells(cpu.together)],
  ]),
  ["what follows an order, at 1 a second", ...cpuCells(slow.cpu)],
  ["what follows an order, at full load", ...cpuCells(fast.cpu)],
];

const list = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count.toFixed(2)}`)
    .join(", ");

const followingRow = (name: string, { orders, perSecond, invocations, calls, effect }: Aftermath) => [
  `${name} (${orders} orders, ${perSecond.toFixed(1)}/s)`,
  ...[total(invocations).toFixed(2), total(calls).toFixed(2), whole(effect.p50), whole(effect.p95)],
];

function afterAnOrder({ aftermath: { slow, fast } }: Report): string[] {
  const head = ["for each order", "invocations", "calls of SQS and EventBridge", "ms to an effect: p50", "p95"];
  return [
    table(head, [followingRow("1 a second", slow), followingRow("full load", fast)]),
    `  at load: ${list(fast.invocations)}; ${list(fast.calls)}`,
  ];
}

function tenants({ tenancy, fairness, growth, sizes, connections }: Report): string[] {
  const spread = tenancy.map(({ name, one, many, share }) => [name, short(one), short(many), percent(share)]);
  const grown = growth.map(({ name, small, large, ratio }) => [name, small.toFixed(1), large.toFixed(1), times(ratio)]);
  const rows = ({ small, large }: Report["sizes"]) => [small, large].map((count) => count.toLocaleString("en"));
  return [
    table([`reads each second at ${connections} connections`, "one tenant", `${connections} tenants`, "share"], spread),
    "",
    table(
      ["p95 ms of a quiet tenant's reads", "alone", "beside a loud one", "ratio", "refused of the loud one"],
      [
        [
          "product detail",
          fairness.alone.toFixed(1),
          fairness.beside.toFixed(1),
          times(fairness.ratio),
          percent(fairness.refused),
        ],
      ],
    ),
    "",
    table(["p50 ms by variants and orders", ...rows(sizes), "ratio"], grown),
  ];
}

function beside(compared: NonNullable<Report["peers"]>): string[] {
  const ratios = ratiosOf(compared);
  const rows = compared.map(({ work, side, p50, perSecond, cpu, failed, reason }) => {
    const ratio = ratios.find((found) => found.work === work && found.peer === side);
    const reached = ratio ? [times(ratio.value), `${ratio.least} ×`] : ["", ""];
    return [
      `${workNames[work]}, ${side}`,
      short(perSecond),
      short(p50),
      short(cpu),
      ...reached,
      failed ? whole(failed) : "",
      reason ?? "",
    ];
  });
  const head = ["side by side", "per s", "p50 ms", "CPU ms of one", "Stoa to it", "at least", "failed", ""];
  return ["", table(head, rows)];
}

/** All of it, for a person. */
export function print(report: Report, budgets: readonly Budget[]): string {
  const { startUp, bundles, scenarios, trips, webhooks, node, cpus, commit } = report;
  const { connections, products, variants, orders } = report;
  const weights = Object.entries(bundles).map(([name, { bytes, importMs }]) => [
    name,
    `${Math.round(bytes / 1000)} kB`,
    `${Math.round(importMs)} ms`,
  ]);
  return [
    `\nNode ${node}, ${cpus} cores, ${commit}; ${products} products, ${variants} variants, ${orders} orders; answers are not validated, as in production.`,
    `Host ready in ${seconds(startUp.first)} with an empty folder, in ${seconds(startUp.again)} again.\n`,
    table(
      [
        `ms at 1 connection, rate at ${connections}`,
        "p50",
        "p90",
        "p99",
        "per s",
        "of 1",
        "of floor",
        "round trips",
        "statements",
      ],
      scenarios.flatMap((measured) => rowsOf(measured, trips)),
    ),
    "",
    table(["CPU of one, ms, with what follows", ...cpuParts, "sum"], cpuRows(report)),
    "",
    ...afterAnOrder(report),
    "",
    ...tenants(report),
    "",
    table(
      [`ms at ${webhooks.connections} connections`, "p50", "p90", "p99", "per s"],
      [[`${webhooks.events} events of Stripe`, ...ms(webhooks.latency), whole(webhooks.perSecond)]],
    ),
    "",
    table(["bundle", "size", "import"], weights),
    ...(report.peers ? beside(report.peers) : []),
    "",
    ...budgets.map(({ name, value, met }) => `  ${met ? "✓" : "✗"} ${name} (${Number(value.toFixed(2))})`),
    "",
  ].join("\n");
}

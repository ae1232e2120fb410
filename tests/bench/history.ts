import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { total } from "./aftermath.js";
import { sumOf } from "./cpu.js";
import { type Work, works } from "./peers/side.js";
import { table } from "./print.js";
import { ratiosOf } from "./ratio.js";
import type { Report } from "./report.js";

/** One number of a run; none when the run has not measured it. */
interface Figure {
  readonly name: string;
  readonly value: number | undefined;
}
/** A cell of the table in docs/bench.md: its figures in a row. */
interface Column {
  readonly title: string;
  readonly figures: readonly Figure[];
}

const path = "docs/bench.md";
const file = join(projectRoot, path);
const BETWEEN = " · ";
const NONE = "–";

function readColumn({ scenarios }: Report, title: string, name: string): Column {
  const { latency, perSecond, share = Number.NaN } = scenarios.find((measured) => measured.name === name) ?? {};
  const figures = [
    { name: "p50 ms", value: latency?.p50 },
    { name: "per s", value: perSecond },
    { name: "% of floor", value: 100 * share },
  ];
  return { title, figures };
}

function writeColumns({ scenarios }: Report): Column[] {
  const steps = scenarios.flatMap((measured) => measured.steps);
  const checkout = scenarios.find(({ name }) => name === "full checkout");
  const add = steps.find(({ name }) => name === "add line");
  return [
    { title: "add line", figures: [{ name: "p50 ms", value: add?.latency.p50 }] },
    {
      title: "checkout",
      figures: [
        { name: "p50 ms", value: checkout?.latency.p50 },
        { name: "per s", value: checkout?.perSecond },
      ],
    },
  ];
}

const cpuColumn = ({ scenarios }: Report): Column => ({
  title: "CPU ms of one",
  figures: scenarios.filter(({ name }) => name !== "login").map(({ name, cpu }) => ({ name, value: sumOf(cpu.alone) })),
});

const peerColumn = ({ peers = [] }: Report, peer: string): Column => {
  const ratios = ratiosOf(peers);
  const ratioOf = (work: Work) => ratios.find((ratio) => ratio.work === work && ratio.peer === peer)?.value;
  return { title: `times ${peer}`, figures: works.map((work) => ({ name: work, value: ratioOf(work) })) };
};

/** The figures of a run that later ones are compared with. */
function columnsOf(report: Report): Column[] {
  const { fast, slow } = report.aftermath;
  return [
    readColumn(report, "list", "product list (20)"),
    readColumn(report, "detail", "product detail"),
    readColumn(report, "orders", "admin order list (20)"),
    ...writeColumns(report),
    cpuColumn(report),
    {
      title: "after an order",
      figures: [
        { name: "CPU ms", value: sumOf(fast.cpu) },
        { name: "invocations", value: total(fast.invocations) },
        { name: "calls", value: total(fast.calls) },
        { name: "p95 ms", value: slow.effect.p95 },
      ],
    },
    { title: "one tenant of 16, %", figures: report.tenancy.map(({ name, share }) => ({ name, value: 100 * share })) },
    { title: "beside a loud tenant, ×", figures: [{ name: "p95", value: report.fairness.ratio }] },
    { title: "growth, ×", figures: report.growth.map(({ name, ratio }) => ({ name, value: ratio })) },
    peerColumn(report, "Medusa"),
    peerColumn(report, "Vendure"),
  ];
}

const headOf = ({ title, figures }: Column) => `${title}: ${figures.map(({ name }) => name).join(BETWEEN)}`;
const shown = (value: number | undefined) =>
  value === undefined || Number.isNaN(value) ? NONE : value < 100 ? String(Number(value.toFixed(2))) : value.toFixed(0);
const cellOf = ({ figures }: Column) => figures.map(({ value }) => shown(value)).join(BETWEEN);
const lineOf = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const cellsOf = (line: string) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The table's head and last row, as they were committed last. */
function lastCommitted(): { head: string[]; row: string[] } | undefined {
  try {
    const text = execFileSync("git", ["show", `HEAD:${path}`], { cwd: projectRoot, encoding: "utf8", stdio: "pipe" });
    const rows = text
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map(cellsOf);
    const head = rows.findLast(([first]) => first === "date");
    const row = rows.at(-1);
    return head && row && row !== head && !row[0]?.startsWith("-") ? { head, row } : undefined;
  } catch {
    return undefined;
  }
}

/** The run beside the last one that was committed. */
export function compareWithLast(report: Report): string {
  const last = lastCommitted();
  if (!last) return `  No result is committed in ${path} yet.\n`;
  const rows = columnsOf(report).flatMap((column) => {
    const before = last.row[last.head.indexOf(headOf(column))]?.split(BETWEEN) ?? [];
    return column.figures.flatMap(({ name, value }, index) => {
      const then = Number(before[index]);
      if (value === undefined || Number.isNaN(value) || Number.isNaN(then) || then === 0) return [];
      const change = Math.round((value / then - 1) * 100);
      return [[`${column.title}: ${name}`, shown(then), shown(value), `${change > 0 ? "+" : ""}${change} %`]];
    });
  });
  const [date, commit, machine] = last.row;
  return `${table([`${commit} of ${date}, ${machine}`, "then", "now", "change"], rows)}\n`;
}

const machineOf = ({ cpu, cpus, node }: Report) => `${cpu.replace(/\s+/g, " ").trim()}, ${cpus} cores, Node ${node}`;

/** Adds the run to the table; with other figures than the last one, below a head of its own. */
export function writeRow(report: Report): void {
  const columns = columnsOf(report);
  const head = lineOf(["date", "commit", "machine", ...columns.map(headOf)]);
  const row = lineOf([report.date.slice(0, 10), report.commit, machineOf(report), ...columns.map(cellOf)]);
  const text = readFileSync(file, "utf8").trimEnd();
  const opening = text.includes(head) ? "" : `\n${head}\n${lineOf(Array(columns.length + 3).fill("---"))}\n`;
  writeFileSync(file, `${text}\n${opening}${row}\n`);
}

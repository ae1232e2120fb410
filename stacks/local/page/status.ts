import type { ScheduleState } from "../lambda/scheduler.js";
import type { Backlog } from "../postgres/admin.js";
import { escapeHtml, layout } from "./markup.js";

interface QueueState {
  readonly name: string;
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  readonly messages: readonly { id: string; body: string; receives: number; state: string }[];
}

/** The state of this machine, as `GET /_local` answers it. */
export interface Status {
  readonly url: string;
  /** The local clock and its lead over the real time, milliseconds. */
  readonly now: number;
  readonly ahead: number;
  readonly queues: readonly QueueState[];
  readonly outbox: Backlog;
  /** Stripe's events: those that became jobs, and those of unknown accounts. */
  readonly stripe: {
    readonly standIn: string | undefined;
    readonly webhookUrl: string;
    readonly queued: number;
    readonly quarantined: number;
  };
  readonly schedules: readonly ScheduleState[];
  readonly environments: readonly { function: string; pid: number; busy: boolean; startedAt: number; served: number }[];
  readonly chaos: Readonly<Record<string, object>>;
}

const row = (cells: readonly (string | number)[]) =>
  `<tr>${cells.map((cell) => `<td class="number">${cell}`).join("")}`;

const table = (heads: readonly string[], rows: readonly string[]) =>
  `<table><thead><tr>${heads.map((head) => `<th>${head}`).join("")}</thead><tbody>${rows.join("")}</tbody></table>`;

const button = (action: string, label: string, fields = "") =>
  `<form method="post" action="${action}">${fields}<button>${label}</button></form>`;

const time = (at: number | undefined) => (at === undefined ? "–" : new Date(at).toISOString().slice(11, 19));

function queueRow({ name, visible, inFlight, delayed, messages }: QueueState): string {
  const isDead = name.endsWith("-dead");
  const bodies = messages.map(
    ({ body, receives, state }) =>
      `<li>${state}, received ${receives}×: <code>${escapeHtml(body.slice(0, 2000))}</code>`,
  );
  const details =
    bodies.length > 0 ? `<details><summary>${bodies.length}</summary><ol>${bodies.join("")}</ol></details>` : "";
  const again = isDead && visible > 0 ? button(`/_local/queues/${name}/redrive`, "Send back") : "";
  const label = isDead && visible > 0 ? `<strong class="bad">${name}</strong>` : name;
  return row([label, visible, inFlight, delayed, details, again]);
}

function clockSection({ now, ahead }: Status): string {
  const steps = [
    ["1 minute", 60],
    ["6 minutes", 360],
    ["1 hour", 3600],
    ["1 day", 86_400],
  ] as const;
  const buttons = steps.map(([label, seconds]) =>
    button("/_local/clock", `+ ${label}`, `<input type="hidden" name="advance" value="${seconds}">`),
  );
  const shown = new Date(now).toISOString().replace("T", " ").slice(0, 19);
  const off = ahead < 1000 ? "the real time" : `${Math.round(ahead / 1000)} s ahead of the real time`;
  return `<section><h2>Clock of queues and schedules</h2><p>${shown} UTC <span class="quiet">(${off})</span></p>${buttons.join("")}</section>`;
}

function outboxSection({ outbox: { events, oldestSeconds, dead, jobs, failedJobs } }: Status): string {
  const oldest = events > 0 ? `, the oldest since ${Math.round(oldestSeconds)} s` : "";
  const lost = dead + failedJobs > 0 ? `<p class="bad">${dead} events given up, ${failedJobs} jobs failed.</p>` : "";
  return `<section><h2>Outbox and jobs</h2><p>${events} events wait for the relay${oldest}. ${jobs} jobs are due.</p>${lost}</section>`;
}

function stripeSection({ stripe: { standIn, webhookUrl, queued, quarantined } }: Status): string {
  const where = standIn
    ? `<a href="${standIn}">Stripe’s stand-in</a> sends them to`
    : "<code>stripe listen</code> forwards them to";
  const aside =
    quarantined > 0 ? `<strong class="bad">${quarantined} are in quarantine</strong>` : "none is in quarantine";
  return `<section><h2>Events from Stripe</h2><p>${queued} have become jobs, ${aside}. ${where} <code>${webhookUrl}</code>.</p></section>`;
}

const scheduleRow = ({ name, function: target, everyMinutes, lastRun, nextRun, running, error }: ScheduleState) =>
  row([
    name,
    target,
    `${everyMinutes} min`,
    running ? "running" : time(lastRun),
    time(nextRun),
    error ? `<span class="bad">${escapeHtml(error.slice(0, 300))}</span>` : "",
    button(`/_local/schedules/${name}`, "Run now"),
  ]);

const chaosRow = (endpoint: string) => (entry: [string, number | boolean]) => {
  const [name, value] = entry;
  const key = `${endpoint}.${name}`;
  const field =
    typeof value === "boolean"
      ? `<input type="hidden" name="${key}" value="${!value}">`
      : `<input name="${key}" value="${value}" inputmode="decimal" aria-label="${key}">`;
  const label = typeof value === "boolean" ? (value ? "Turn off" : "Turn on") : "Set";
  return row([key, typeof value === "boolean" ? (value ? "on" : "off") : value, button("/_local/chaos", label, field)]);
};

/** The page of the state of this machine. */
export function statusPage(status: Status): string {
  const environments = status.environments.map(({ function: name, pid, busy, startedAt, served }) =>
    row([name, pid, busy ? "busy" : "free", served, time(startedAt)]),
  );
  const chaos = Object.entries(status.chaos).flatMap(([endpoint, switches]) =>
    (Object.entries(switches) as [string, number | boolean][]).map(chaosRow(endpoint)),
  );
  const section = (title: string, heads: string[], rows: string[]) =>
    `<section><h2>${title}</h2>${table(heads, rows)}</section>`;
  return layout(
    "This machine",
    [
      section("Queues", ["Queue", "Visible", "In flight", "Delayed", "Messages", ""], status.queues.map(queueRow)),
      outboxSection(status),
      stripeSection(status),
      section("Schedules", ["Name", "Function", "Every", "Last", "Next", "", ""], status.schedules.map(scheduleRow)),
      clockSection(status),
      section("Execution environments", ["Function", "Process", "", "Served", "Since"], environments),
      section("Chaos: shares are between 0 and 1", ["Switch", "Now", ""], chaos),
    ].join(""),
  );
}

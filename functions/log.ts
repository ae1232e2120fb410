import { type Context, currentContext } from "../core/kernel/actor.js";
import { config } from "../core/kernel/config.js";
import { faultOf } from "../drizzle/fault.js";

const service = "stoa";

/** Names of values that never reach a log: secrets and personal data. */
const PRIVATE = /pass|secret|token|authorization|cookie|api.?key|email|phone|address|^name$|line1|line2|postal/i;

function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "bigint") return String(value);
  if (value === null || typeof value !== "object") return value;
  if (depth > 5) return "[deep]"; // a circle, too
  if (value instanceof Error) return errorOf(value);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, PRIVATE.test(name) ? "[redacted]" : redact(item, depth + 1)]),
  );
}

/** Whether the error is Postgres' own, or has one for its cause. */
const isOfDatabase = (error: Error): boolean =>
  "severity" in error || (error.cause instanceof Error && isOfDatabase(error.cause));

/**
 * The message of an error; statements and values stay out: drizzle's message carries both, and Postgres' quotes values.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message.startsWith("Failed query") || isOfDatabase(error)) return "A query failed.";
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function errorOf(error: Error): Record<string, unknown> {
  const fault = faultOf(error);
  const message = reasonOf(error);
  const stack = error.stack
    ?.split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, 12);
  return { name: error.name, message, ...fault, stack };
}

const who = ({ actor }: Context) =>
  actor && {
    tenantId: "tenantId" in actor ? actor.tenantId : undefined,
    actor: actor.type,
    actorId:
      "memberId" in actor
        ? actor.memberId
        : "keyId" in actor
          ? actor.keyId
          : "customerId" in actor
            ? actor.customerId
            : undefined,
  };

function lineOf(level: "info" | "warn" | "error", message: string, data: object): object {
  const current = currentContext();
  const ids = current && {
    ...who(current),
    requestId: current.requestId,
    gatewayRequestId: current.gatewayRequestId,
    traceparent: current.traceparent,
    causeId: current.causeId,
  };
  const timestamp = new Date().toISOString();
  return { level: level.toUpperCase(), message, timestamp, service, ...ids, ...(redact(data) as object) };
}

/** A write per line: the parser of CloudWatch takes each line as one event. `console` would format it once more. */
const writeLine = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** JSON lines that carry tenant, actor, request and cause by themselves. */
export const log = {
  info: (message: string, data: object = {}) => writeLine(lineOf("info", message, data)),
  warn: (message: string, data: object = {}) => writeLine(lineOf("warn", message, data)),
  error: (message: string, data: object = {}) => writeLine(lineOf("error", message, data)),
};

/** Units of CloudWatch. */
type MetricUnit = "Count" | "Seconds" | "Milliseconds";

/** Values with their units, by the names of their metrics. */
export type Measured = Readonly<Record<string, readonly [value: number, unit: MetricUnit]>>;

/**
 * Publishes metrics with the same dimensions, in one line of CloudWatch's embedded metric format. No dimension is ever a
 * tenant: each value of a dimension is a metric that is paid for.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export const measure = (metrics: Measured, dimensions: Record<string, string> = {}): void =>
  writeLine(metricsOf(metrics, dimensions));

function metricsOf(metrics: Measured, dimensions: Record<string, string>): object {
  const all = { service, stage: config.STAGE, ...dimensions }; // stages may share an account
  const Metrics = Object.entries(metrics).map(([Name, [, Unit]]) => ({ Name, Unit }));
  const values = Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value]));
  const directive = { Namespace: "Stoa", Dimensions: [Object.keys(all)], Metrics };
  return { _aws: { Timestamp: Date.now(), CloudWatchMetrics: [directive] }, ...all, ...values };
}

/** A line of the log whose metrics are members of it: one write for what each request reports. */
export const logMeasured = (
  message: string,
  data: object,
  metrics: Measured,
  dimensions: Record<string, string>,
): void => writeLine({ ...lineOf("info", message, data), ...metricsOf(metrics, dimensions) });

/** Counts occurrences. */
export const count = (name: string, value = 1, dimensions: Record<string, string> = {}): void =>
  measure({ [name]: [value, "Count"] }, dimensions);

import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { type Context, currentContext } from "../core/kernel/actor.js";
import { config } from "../core/kernel/config.js";
import { faultOf } from "../drizzle/fault.js";

const logger = new Logger({ serviceName: "stoa" });

/** Names of values that never reach a log: secrets and personal data. */
const PRIVATE = /pass|secret|token|authorization|cookie|api.?key|email|phone|address|^name$|line1|line2|postal/i;

function redact(value: unknown, depth = 0): unknown {
  if (value === null || typeof value !== "object" || depth > 5) return value;
  if (value instanceof Error) return errorOf(value);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, PRIVATE.test(name) ? "[redacted]" : redact(item, depth + 1)]),
  );
}

/** The message of an error; statements and their parameters stay out, because drizzle's own message carries both. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message.startsWith("Failed query")) return "A query failed.";
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

function write(level: "info" | "warn" | "error", message: string, data: object): void {
  const current = currentContext();
  const ids = current && {
    ...who(current),
    requestId: current.requestId,
    traceparent: current.traceparent,
    causeId: current.causeId,
  };
  logger[level](message, { ...ids, ...(redact(data) as object) });
}

/** JSON lines that carry tenant, actor, request and cause by themselves. */
export const log = {
  info: (message: string, data: object = {}) => write("info", message, data),
  warn: (message: string, data: object = {}) => write("warn", message, data),
  error: (message: string, data: object = {}) => write("error", message, data),
};

/** Publishes each metric at once and forgets its dimensions; one for all, because making one is dear. */
const single = new Metrics({ namespace: "Stoa", serviceName: "stoa" }).singleMetric();

/**
 * Counts in CloudWatch's embedded metric format, one line each. No dimension is ever a tenant: each value of a
 * dimension is a metric that is paid for.
 */
export function count(name: string, value = 1, dimensions: Record<string, string> = {}): void {
  measure(name, value, MetricUnit.Count, dimensions);
}

export function measure(
  name: string,
  value: number,
  unit: (typeof MetricUnit)[keyof typeof MetricUnit],
  dimensions: Record<string, string> = {},
): void {
  single.addDimension("stage", config.STAGE); // stages may share an account
  for (const [dimension, text] of Object.entries(dimensions)) single.addDimension(dimension, text);
  single.addMetric(name, unit, value);
}

export { MetricUnit };

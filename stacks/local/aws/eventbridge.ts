import { randomUUID } from "node:crypto";
import * as z from "zod";
import type { Clock } from "../lambda/clock.js";
import { AwsError, account, arnOf, operation, region, startAwsJson } from "./aws-json.js";
import { createDelivery, type Deliver, type EventBridgeChaos } from "./eventbridge-delivery.js";
import { type Buses, createBuses, setupOperations } from "./eventbridge-rules.js";

export interface LocalRule {
  readonly name: string;
  readonly pattern: object;
  /** Names of queues. */
  readonly queue: string;
  readonly deadLetter?: string;
}

export interface EventBridgeOptions {
  readonly clock: Clock;
  readonly port?: number;
  readonly bus: string;
  readonly rules: readonly LocalRule[];
  readonly deliver: Deliver;
}

export type EventBridge = Awaited<ReturnType<typeof startEventBridge>>;

const entry = z.object({
  Time: z.number().optional(),
  Source: z.string().optional(),
  Resources: z.array(z.string()).optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  EventBusName: z.string().optional(),
});
type Entry = z.output<typeof entry>;

const largestRequest = 1_048_576;

/** User guide, "Calculating PutEvents event entry size". */
const sizeOf = ({ Time, Source = "", DetailType = "", Detail = "", Resources = [] }: Entry) =>
  (Time === undefined ? 0 : 14) + Buffer.byteLength([Source, DetailType, Detail, ...Resources].join(""));

function checkRequest(entries: readonly Entry[]) {
  if (entries.length < 1 || entries.length > 10)
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10, has ${entries.length}`,
    );
  if (entries.reduce((sum, each) => sum + sizeOf(each), 0) > largestRequest)
    throw new AwsError("ValidationException", "Total size of the entries in the request is over the limit.");
}

function requireArgument(name: string, value: string | undefined): string {
  if (value) return value;
  throw new AwsError("InvalidArgument", `Parameter ${name} is not valid. Reason: ${name} is a required argument.`);
}

function parseDetail(text: string): object {
  try {
    const detail: unknown = JSON.parse(text);
    if (typeof detail === "object" && detail !== null && !Array.isArray(detail)) return detail;
  } catch {}
  throw new AwsError("MalformedDetail", "Detail is malformed.");
}

/** The event that targets receive. @throws AwsError of this entry */
function toEvent(given: Entry, now: number) {
  const source = requireArgument("Source", given.Source);
  const detailType = requireArgument("DetailType", given.DetailType);
  const detail = parseDetail(requireArgument("Detail", given.Detail));
  if (source.startsWith("aws."))
    throw new AwsError("NotAuthorizedForSourceException", "Not authorized for the source.");
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": detailType,
    source,
    account,
    time: new Date(given.Time === undefined ? now : given.Time * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
    region,
    resources: given.Resources ?? [],
    detail,
  };
}

function putEvents(
  context: { clock: Clock; chaos: EventBridgeChaos },
  buses: Buses,
  delivery: ReturnType<typeof createDelivery>,
) {
  const counts = { accepted: 0, refused: 0, unmatched: 0, unknownBus: 0 };

  function accept(given: Entry): string {
    if (Math.random() < context.chaos.failEntries) {
      const code = Math.random() < 0.5 ? "ThrottlingException" : "InternalFailure";
      throw new AwsError(code, "Chaos: this entry failed.");
    }
    const event = toEvent(given, context.clock.now());
    counts.accepted++;
    const bus = buses.find(given.EventBusName);
    // AWS accepts events for an absent bus and loses them; the local bus counts them.
    if (!bus) counts.unknownBus++;
    const matching = [...(bus?.rules.values() ?? [])].filter(
      (rule) => rule.enabled && rule.sources.includes(event.source),
    );
    if (bus && matching.length === 0) counts.unmatched++;
    for (const rule of matching) delivery.dispatch(rule, JSON.stringify(event));
    return event.id;
  }

  const run = operation({ Entries: z.array(entry) }, (input) => {
    checkRequest(input.Entries);
    const Entries = input.Entries.map((given) => {
      try {
        return { EventId: accept(given) };
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        counts.refused++;
        return { ErrorCode: error.code, ErrorMessage: error.message };
      }
    });
    return { FailedEntryCount: Entries.filter((each) => "ErrorCode" in each).length, Entries };
  });
  return { run, counts };
}

function declare(buses: Buses, busName: string, rules: readonly LocalRule[]) {
  const bus = buses.find(busName) ?? buses.create(busName);
  for (const { name, pattern, queue, deadLetter } of rules) {
    const { targets } = buses.putRule(bus, name, JSON.stringify(pattern));
    const target = { Id: queue, Arn: arnOf("sqs", queue) };
    targets.set(queue, deadLetter ? { ...target, DeadLetterConfig: { Arn: arnOf("sqs", deadLetter) } } : target);
  }
}

/** An EventBridge endpoint for the real SDK (AWS JSON 1.1) whose targets are queues of the local SQS. */
export async function startEventBridge({ clock, port, bus, rules, deliver }: EventBridgeOptions) {
  const chaos: EventBridgeChaos = { fail: 0, failEntries: 0, duplicate: 0, delayMs: 0, reorder: false, dropToDlq: 0 };
  const buses = createBuses();
  declare(buses, bus, rules);
  const delivery = createDelivery({ clock, chaos, deliver });
  const put = putEvents({ clock, chaos }, buses, delivery);
  const operations = { PutEvents: put.run, ...setupOperations(buses) };
  const server = await startAwsJson({ prefix: "AWSEvents", version: "1.1", operations, chaos }, port);
  return {
    port: server.port,
    endpoint: server.endpoint,
    chaos,
    calls: server.calls,
    inspect: () => ({
      ...put.counts,
      ...delivery.counts,
      buses: [...buses.all.values()].map(({ name, rules }) => ({
        name,
        rules: [...rules.values()].map(({ name, pattern, enabled, targets }) => ({
          name,
          pattern,
          enabled,
          targets: [...targets.values()].map(({ Arn }) => Arn),
        })),
      })),
    }),
    stop: server.stop,
  };
}

import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type * as z from "zod";
import { count, log } from "./log.js";

/** A message that can never be handled: it is acknowledged and counted instead of being received five times. */
export class Discard extends Error {
  constructor(readonly reason: "unreadable" | "tenant_mismatch" | "unknown_type") {
    super(reason);
  }
}

/** Milliseconds that are left for the last message: two subscribers that each wait three times for a lock. */
const RESERVE = 15_000;

const processor = new BatchProcessor(EventType.SQS);

/** Messages that are cheaper to handle together. */
interface Together<Body> {
  /** Messages with the same name belong together. */
  groupOf(body: Body): string;
  /** @throws when none of them is handled: each is then handled by itself */
  handle(bodies: readonly Body[]): Promise<void>;
}

/**
 * Handles the messages of a batch one after the other; those that fail, and those not begun when time runs out, are
 * received again, the others not.
 * @param schema the body of a message, as JSON
 * @param together goes first, and what it has handled is done
 */
export async function processBatch<Schema extends z.ZodType>(
  event: SQSEvent,
  context: Context,
  schema: Schema,
  handle: (body: z.output<Schema>) => Promise<void>,
  together?: Together<z.output<Schema>>,
): Promise<SQSBatchResponse> {
  const hasTime = () => context.getRemainingTimeInMillis() > RESERVE;
  const done = together ? await handleGroups(event, schema, together, hasTime) : new Set<string>();
  const handleRecord = async (record: SQSRecord) => {
    if (done.has(record.messageId)) return;
    if (!hasTime()) throw new Error("No time is left to begin this message.");
    try {
      await handle(readBody(record, schema));
    } catch (error) {
      reportFailure(record, error);
    }
  };
  // All failed is no failure of the function: thrown, it would let Lambda slow the queue down.
  const options = { processInParallel: false, throwOnFullBatchFailure: false };
  return processPartialResponse(event, handleRecord, processor, options);
}

/** @returns the ids of the messages that are handled */
async function handleGroups<Schema extends z.ZodType>(
  { Records }: SQSEvent,
  schema: Schema,
  { groupOf, handle }: Together<z.output<Schema>>,
  hasTime: () => boolean,
): Promise<Set<string>> {
  const groups = new Map<string, { ids: string[]; bodies: z.output<Schema>[] }>();
  for (const record of Records) {
    const body = bodyOf(record, schema);
    if (body === undefined) continue; // reported when its turn comes
    const group = groups.get(groupOf(body)) ?? { ids: [], bodies: [] };
    groups.set(groupOf(body), group);
    group.ids.push(record.messageId);
    group.bodies.push(body);
  }
  const done = new Set<string>();
  for (const { ids, bodies } of groups.values()) {
    if (!hasTime()) break;
    const handled = await handle(bodies).then(
      () => ids,
      () => [],
    );
    for (const id of handled) done.add(id);
  }
  return done;
}

/** The body; undefined when it cannot be read. */
function bodyOf<Schema extends z.ZodType>({ body }: SQSRecord, schema: Schema): z.output<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** @throws Discard */
function readBody<Schema extends z.ZodType>(record: SQSRecord, schema: Schema): z.output<Schema> {
  const body = bodyOf(record, schema);
  if (body === undefined) throw new Discard("unreadable");
  return body;
}

/** @throws the error of the message, unless the message is discarded */
function reportFailure({ messageId, attributes }: SQSRecord, error: unknown): void {
  if (error instanceof Discard) {
    count("MessagesDiscarded", 1, { reason: error.reason });
    log.warn("message discarded", { reason: error.reason, messageId });
    return;
  }
  count("MessagesFailed");
  log.error("message failed", { error, messageId, receives: attributes.ApproximateReceiveCount });
  throw error;
}

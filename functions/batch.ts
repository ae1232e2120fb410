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

/**
 * Handles the messages of a batch one after the other; those that fail, and those not begun when time runs out, are
 * received again, the others not.
 * @param schema the body of a message, as JSON
 */
export const processBatch = <Schema extends z.ZodType>(
  event: SQSEvent,
  context: Context,
  schema: Schema,
  handle: (body: z.output<Schema>) => Promise<void>,
): Promise<SQSBatchResponse> =>
  processPartialResponse(
    event,
    async (record: SQSRecord) => {
      if (context.getRemainingTimeInMillis() <= RESERVE) throw new Error("No time is left to begin this message.");
      try {
        await handle(readBody(record, schema));
      } catch (error) {
        reportFailure(record, error);
      }
    },
    processor,
    // All failed is no failure of the function: thrown, it would let Lambda slow the queue down.
    { processInParallel: false, throwOnFullBatchFailure: false },
  );

function readBody<Schema extends z.ZodType>({ body }: SQSRecord, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(body));
  } catch {
    throw new Discard("unreadable");
  }
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

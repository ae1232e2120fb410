import type * as z from "zod";

/** A kind of event: its permanent type (`thing.happened`) and the shape of its data. */
export interface EventType<Schema extends z.ZodObject = z.ZodObject> {
  type: string;
  schema: Schema;
}
export const defineEvent = <Schema extends z.ZodObject>(type: string, schema: Schema): EventType<Schema> => ({
  type,
  schema,
});

/** An event as its subscribers see it. */
export interface DeliveredEvent<Data> {
  id: string;
  data: Data;
  /** The instant of its transaction. */
  createdAt: string;
  actor: Record<string, unknown>;
}

/**
 * One effect of one event. Its name is permanent, because it is half of the inbox key. It may run beside others in one
 * transaction, so it takes no savepoint.
 */
export interface Subscriber {
  name: string;
  event: EventType;
  run(event: DeliveredEvent<never>): Promise<unknown>;
}
export const on = <Schema extends z.ZodObject>(
  event: EventType<Schema>,
  name: string,
  run: (event: DeliveredEvent<z.output<Schema>>) => Promise<unknown>,
): Subscriber => ({ name, event, run: run as Subscriber["run"] });

import { prepared } from "../../../drizzle/prepared.js";
import { context, withContext } from "../actor.js";
import { db, read, runBeside } from "../db.js";
import { anyOf, insertJson, rowsToJson } from "../rows.js";
import { eventTable, inboxTable } from "./event.sql.js";
import type { DeliveredEvent, Subscriber } from "./subscriber.js";

/** An event as a message names it. */
interface Pointed {
  id: string;
  type: string;
}
type StoredEvent = typeof eventTable.$inferSelect;

/** An effect that was due, and whether it was made now or before. */
export interface Handled {
  eventId: string;
  subscriber: string;
  done: boolean;
}

const inboxId = (event: { id: string }, subscriber: Subscriber) => `${event.id}/${subscriber.name}`;

/**
 * Runs a subscriber once per event: the inbox row goes first, in the transaction of the effect, so that a second
 * delivery waits for the first and then finds it done.
 * @returns false when it had been done before
 */
export const handleOnce = (subscriber: Subscriber, event: DeliveredEvent<unknown>): Promise<boolean> =>
  db(async (tx) => {
    const fresh = await tx
      .insert(inboxTable)
      .values({ id: inboxId(event, subscriber) })
      .onConflictDoNothing()
      .returning({ id: inboxTable.id });
    if (fresh.length === 0) return false;
    await subscriber.run(event as DeliveredEvent<never>);
    return true;
  });

/**
 * Runs the subscribers of several events of the actor's tenant once per event, in one transaction with all of their
 * inbox rows. The rows are inserted in order, so that two deliveries of the same events wait for one another without a
 * deadlock.
 * @param pointers id and type, as a message names them
 * @throws when one of the events is not there or a subscriber fails: none is then handled, and each can be by itself
 */
export const handleTogether = (pointers: readonly Pointed[], subscribers: readonly Subscriber[]): Promise<Handled[]> =>
  db(async () => {
    const due = pointers.flatMap((event) =>
      subscribers.filter(({ event: { type } }) => type === event.type).map((subscriber) => ({ event, subscriber })),
    );
    try {
      const inboxIds = due.map(({ event, subscriber }) => inboxId(event, subscriber));
      const [found, inserted] = await read(
        (q) =>
          [
            eventsQuery(q, { ids: pointers.map(({ id }) => id) }),
            insertNew(q, {
              rows: rowsToJson(
                inboxTable,
                inboxIds.sort().map((id) => ({ id })),
              ),
            }),
          ] as const,
      );
      const events = requireAll(pointers, found);
      const fresh = new Set(inserted.map(({ id }) => id));
      const handled = due.map(({ event, subscriber }) => ({
        event: storedBy(events, event.id),
        subscriber,
        done: fresh.delete(inboxId(event, subscriber)), // a pointer that came twice is handled with its first
      }));
      await runBeside(
        handled
          .filter(({ done }) => done)
          .map(
            ({ event, subscriber }) =>
              () =>
                runFor(event, subscriber),
          ),
      );
      return handled.map(({ event, subscriber, done }) => ({ eventId: event.id, subscriber: subscriber.name, done }));
    } catch {
      // Without the reason, which could be a lock: the whole is not tried again, the parts are.
      throw new Error("The events were not handled together.");
    }
  });

const eventsQuery = prepared((q, { ids }: { ids: readonly string[] }) =>
  q.select().from(eventTable).where(anyOf(eventTable.id, ids)),
);

/** Inserts the inbox rows; those that were there belong to effects that are made. Answers the new ones. */
const insertNew = prepared((q, { rows }: { rows: string }) =>
  insertJson(q, inboxTable, ["id"], rows).onConflictDoNothing().returning({ id: inboxTable.id }),
);

/** The events of the pointers by id. @throws Error when one is not there, or is another one */
function requireAll(pointers: readonly Pointed[], found: readonly StoredEvent[]): Map<string, StoredEvent> {
  const events = new Map(found.map((event) => [event.id, event]));
  if (pointers.some(({ id, type }) => events.get(id)?.type !== type)) throw new Error("An event is not there.");
  return events;
}

function storedBy(events: ReadonlyMap<string, StoredEvent>, id: string): StoredEvent {
  const event = events.get(id);
  if (!event) throw new Error("An event is not there.");
  return event;
}

/** Runs a subscriber in the context of its event. */
async function runFor(event: StoredEvent, subscriber: Subscriber): Promise<void> {
  const { id, requestId, traceparent } = event;
  const cause = { ...context(), requestId, causeId: id, traceparent: traceparent ?? undefined };
  await withContext(cause, () => subscriber.run(event as DeliveredEvent<unknown> as DeliveredEvent<never>));
}

import * as z from "zod";
import { EventRecord, type EventType } from "../../core/kernel/event/index.js";
import { refTo } from "./openapi-part.js";
import { pascal } from "./operation-name.js";

/** `order.placed` → `OrderPlacedEvent` */
const nameOf = (type: string) => `${pascal(type.replace(/[._]/g, "-"))}Event`;

/** A component for each type of event, with the fields of its data. */
export const eventComponents = (events: readonly EventType[]) =>
  events.map(({ type, schema }) =>
    EventRecord.extend({ type: z.literal(type), data: z.looseObject(schema.shape) }).meta({
      id: nameOf(type),
      description: `The event \`${type}\``,
    }),
  );

/** The component `Event`: one of them, by its type. */
export const eventUnion = (events: readonly EventType[], description: string | undefined) => ({
  ...(description && { description }),
  oneOf: events.map(({ type }) => refTo(nameOf(type))),
  discriminator: {
    propertyName: "type",
    mapping: Object.fromEntries(events.map(({ type }) => [type, refTo(nameOf(type)).$ref])),
  },
});

import { z } from "zod";
import { type Module, route } from "./engine.js";
import { refused } from "./failure.js";
import { flag, listing, nothing, text } from "./shape.js";

const month = 30 * 86_400;

const list = z.strictObject({
  ...listing,
  delivery_success: flag.optional(),
  type: text.optional(),
  types: z.array(text).max(20, "You can filter by up to 20 types.").optional(),
});

/** `charge.*` matches all types with that prefix. */
const matches = (pattern: string, type: string) =>
  pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : pattern === type;

/** Events are retrievable for 30 days. */
export const events: Module = {
  kinds: [{ type: "event", prefix: "evt" }],
  routes: [
    route("GET", "/v1/events/:id", nothing, ({ path }, store) => {
      const event = store.get("event", path.id);
      if (event.created > store.now - month) return event;
      throw refused(`No such event: '${event.id}'`, { code: "resource_missing", param: "id", status: 404 });
    }),
    route("GET", "/v1/events", list, ({ params: { delivery_success, type, types, ...params } }, store) => {
      if (type && types) throw refused("You may only specify one of these parameters: type, types.");
      const patterns = type ? [type] : types;
      return store.page("event", params, {
        created: ({ created }) => created > store.now - month,
        type: (event) => !patterns || patterns.some((pattern) => matches(pattern, event.type)),
        pending_webhooks: (event) =>
          delivery_success === undefined || delivery_success === (event.pending_webhooks === 0),
      });
    }),
  ],
};

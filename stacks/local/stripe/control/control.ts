import { Hono } from "hono";
import { ownPagesOnly } from "../../page/own.js";
import type { Delivering, Endpoint } from "../engine/delivery.js";
import type { Release } from "../engine/dispatcher.js";
import type { Type } from "../engine/engine.js";
import { Failure } from "../engine/failure.js";
import { bodyOf, type Http } from "../engine/http.js";
import type { Log } from "../engine/log.js";
import type { Core } from "../engine/store.js";
import { type Actions, setChaos } from "./action.js";

export interface Controlled {
  readonly core: Core;
  readonly delivery: Delivering;
  readonly log: Log;
  readonly actions: Actions;
}

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value ?? null, null, 2), {
    status,
    headers: { "content-type": "application/json" },
  });

export function stateOf({ core, delivery, log, actions }: Controlled) {
  const objects: Record<string, number> = {};
  for (const { type, table } of core.tables.all()) objects[type] = (objects[type] ?? 0) + table.byId.size;
  return {
    url: core.publicUrl,
    now: Math.floor(core.clock.now() / 1000),
    livemode: core.livemode,
    objects,
    requests: log.size(),
    chaos: core.disorder.chaos,
    endpoints: delivery.endpoints(),
    webhooks: { ...delivery.counts, held: delivery.held() },
    actions: Object.keys(actions),
  };
}

/** Objects of a type, of one account or of all, newest first. */
export function objectsOf(core: Core, type: Type, account?: string | null) {
  const found = [...core.tables.all()].filter(
    (one) => one.type === type && (account === undefined || one.account === (account ?? undefined)),
  );
  return found.flatMap(({ table }) => [...table.byId.values()].map(({ object }) => object)).toReversed();
}

const reads: Record<string, (controlled: Controlled, query: URLSearchParams) => unknown> = {
  "": (controlled) => stateOf(controlled),
  requests: ({ log }) => log.list(),
  chaos: ({ core }) => core.disorder.chaos,
  events: ({ core }, query) => objectsOf(core, "event", query.get("account") ?? undefined),
  objects: ({ core }, query) => objectsOf(core, query.get("type") as Type, query.get("account") ?? undefined),
};

type Input = Record<string, unknown>;

/** Commands to the stand-in itself, without an object of Stripe. */
const writes: Record<string, (controlled: Controlled, input: Input) => unknown> = {
  chaos: ({ core }, input) => setChaos(core.disorder, input),
  endpoints({ delivery }, { endpoints }) {
    delivery.setEndpoints(endpoints as Endpoint[]);
    return delivery.endpoints();
  },
  release: ({ delivery }, input) => ({ released: delivery.release(input as Release) }),
  settle: async ({ delivery }) => {
    await delivery.settled();
    return delivery.counts;
  },
  forget_requests: ({ log }) => log.clear(),
};

/** Serves `/_control`: GET shows the state, `POST /_control/<action>` runs an action; JSON both ways. */
export function createControl(controlled: Controlled): Http {
  const app: Http = new Hono();
  app.use(ownPagesOnly);
  const absent = () => json({ error: "There is no such control." }, 404);
  app.get("/:name?", (context) => {
    const read = reads[context.req.param("name") ?? ""];
    return read ? json(read(controlled, new URL(context.req.url).searchParams)) : absent();
  });
  app.post("/:name", async (context) => {
    const name = context.req.param("name");
    const body = await bodyOf(context);
    const input = (body ? JSON.parse(body) : {}) as Input;
    const write = Object.hasOwn(writes, name) && writes[name];
    const result = write ? ((await write(controlled, input)) ?? {}) : controlled.actions[name]?.(input);
    return (await result) === undefined ? absent() : json(await result);
  });
  app.onError((error) =>
    error instanceof Failure ? json({ error: error.body }, error.status) : json({ error: String(error) }, 422),
  );
  return app;
}

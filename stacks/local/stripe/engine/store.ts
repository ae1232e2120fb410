import type Stripe from "stripe";
import type { Clock } from "../../lambda/clock.js";
import type { Disorder } from "./chaos.js";
import type { EventType, Kind, Module, Objects, Store, Stored, Type } from "./engine.js";
import { missing } from "./failure.js";
import { newId } from "./id.js";
import type { Journal, Timer } from "./journal.js";
import { pageOf } from "./list.js";
import type { Tables } from "./tables.js";

/** API version of the stand-in's objects: that of the installed SDK. */
export const apiVersion = "2026-10-28.endive";

export interface Core {
  readonly clock: Clock;
  readonly modules: Module[];
  readonly kinds: readonly Kind[];
  readonly tables: Tables;
  readonly livemode: boolean;
  journal: Journal;
  publicUrl: string;
  readonly disorder: Disorder;
  /** Counts the endpoints of an event, and starts its deliveries. */
  deliver: { count(account: string | undefined, type: string): number; start(event: Stripe.Event): void };
  timers: number;
}

/** The request that caused an event. */
export interface Origin {
  readonly id: string | null;
  readonly idempotency_key: string | null;
}
const byItself: Origin = { id: null, idempotency_key: null };

const seconds = (core: Core) => Math.floor(core.clock.now() / 1000);

export function save(core: Core, account: string | undefined, object: Stored) {
  core.tables.put(account, object);
  core.journal.write({ account, object });
}

function emit(core: Core, account: string | undefined, origin: Origin, type: string, data: object) {
  const event = {
    id: newId("evt"),
    object: "event",
    ...(account !== undefined && { account }),
    api_version: apiVersion,
    created: seconds(core),
    data,
    livemode: core.livemode,
    pending_webhooks: core.deliver.count(account, type),
    request: origin,
    type,
  } as Stripe.Event;
  save(core, account, event);
  core.deliver.start(event);
}

/** Arms a timer that the journal holds. */
export function arm(core: Core, timer: Timer) {
  core.clock.at(timer.at * 1000, () => {
    core.journal.write({ done: timer.number });
    for (const { timers } of core.modules) timers?.[timer.name]?.(createStore(core, timer.account), timer.id);
  });
}

function later(core: Core, account: string | undefined, at: number, name: string, id: string) {
  const timer: Timer = { number: ++core.timers, at, name, account, id };
  core.journal.write({ timer });
  arm(core, timer);
}

/** The old values of the changed fields. */
const replaced = (object: object, patch: object) =>
  Object.fromEntries(
    Object.entries(object).filter(([field, value]) => field in patch && patch[field as keyof typeof patch] !== value),
  );

/** The store of one account, created for each request and timer. */
export function createStore(core: Core, account?: string, origin: Origin = byItself): Store {
  const find = <T extends Type>(type: T, id: string | undefined | null): Objects[T] | undefined =>
    id ? core.tables.table(account, type).byId.get(id)?.object : undefined;
  const store: Store = {
    account,
    get now() {
      return seconds(core);
    },
    livemode: core.livemode,
    publicUrl: core.publicUrl,
    declines: () => core.disorder.decline(),
    in: (other) => (other === account ? store : createStore(core, other, origin)),
    id: newId,
    find,
    get(type, id, param) {
      const found = find(type, id);
      if (!found) throw missing(type, id ?? "", param);
      return found;
    },
    put(object, event) {
      save(core, account, object);
      if (event) emit(core, account, origin, event, { object });
      return object;
    },
    change(object, patch, event) {
      const next = { ...object, ...patch };
      save(core, account, next);
      if (event) emit(core, account, origin, event, { object: next, previous_attributes: replaced(object, patch) });
      return next;
    },
    by(type, field, value) {
      const table = core.tables.table(account, type);
      return [...(table.index.get(field)?.get(value) ?? [])].flatMap((id) => table.byId.get(id)?.object ?? []);
    },
    remove(type, id) {
      core.tables.remove(account, type, id);
      core.journal.write({ account, type, removed: id });
    },
    page: (type, params, where) => pageOf(core.tables, account, type, params, where),
    emit: (type: EventType, object, previous) =>
      emit(core, account, origin, type, { object, ...(previous && { previous_attributes: previous }) }),
    later: (at, name, id) => later(core, account, at, name, id),
  };
  return store;
}

import type { Idempotency } from "./idempotency.js";
import { openJournal, readJournal, type Timer } from "./journal.js";
import { arm, type Core } from "./store.js";

/**
 * Restores the state of an earlier host from `file`, and opens the journal for later changes.
 * Returns the events with a scheduled delivery.
 */
export function restore(core: Core, idempotency: Idempotency, file: string): Set<string> {
  const timers = new Map<number, Timer>();
  for (const line of readJournal(file)) {
    if ("object" in line) core.tables.put(line.account, line.object);
    else if ("removed" in line) core.tables.remove(line.account, line.type, line.removed);
    else if ("timer" in line) timers.set(line.timer.number, line.timer);
    else if ("done" in line) timers.delete(line.done);
    else idempotency.keep(line.key, line.remembered);
  }
  core.journal = openJournal(file);
  const month = core.clock.now() / 1000 - 30 * 86_400;
  for (const { account, type, table } of core.tables.all()) {
    for (const { object } of table.byId.values())
      if (object.object === "event" && object.created < month) core.tables.remove(account, type, object.id);
      else core.journal.write({ account, object });
  }
  for (const [key, remembered] of idempotency.entries())
    if ("at" in remembered) core.journal.write({ key, remembered });
  for (const timer of timers.values()) {
    core.journal.write({ timer });
    core.timers = Math.max(core.timers, timer.number);
  }
  core.journal.replace();
  for (const timer of timers.values()) arm(core, timer);
  return new Set([...timers.values()].flatMap(({ name, id }) => (name === "webhook" ? (id.split(" ")[0] ?? []) : [])));
}

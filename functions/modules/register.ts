import { scopes } from "../../core/kernel/access.js";
import { declaredJobs } from "../../core/kernel/job/index.js";
import { requireUnique } from "../../core/kernel/registry.js";
import { paymentProviders } from "../../core/payment/index.js";
import { stripeHandlers } from "../../core/stripe/event.js";
import type { Module } from "./module.js";

/**
 * Hands the domain what the modules declare. The list does so itself when it is loaded, so that no entry can forget it.
 * @throws Error that names what is declared twice, or not handled
 */
export function register(modules: readonly Module[]): void {
  const all = <Item>(pick: (module: Module) => readonly Item[] | undefined): Item[] =>
    modules.flatMap((module) => pick(module) ?? []);
  const jobs = all((module) => module.jobs).map(({ job }) => job.name);
  requireUnique(
    "module",
    modules.map(({ name }) => name),
  );
  requireUnique(
    "event type",
    all((module) => module.events).map(({ type }) => type),
  );
  requireUnique(
    "subscriber",
    all((module) => module.subscribers).map(({ name }) => name),
  );
  requireUnique(
    "sweep",
    all((module) => module.sweeps).map(({ name }) => name),
  );
  requireUnique("job", jobs);
  const unhandled = declaredJobs().find(({ name }) => !jobs.includes(name));
  if (unhandled) throw new Error(`No module handles the job "${unhandled.name}".`);
  const types = all((module) => module.events).map(({ type }) => type);
  const deaf = all((module) => module.subscribers).find(({ event }) => !types.includes(event.type));
  if (deaf) throw new Error(`The subscriber "${deaf.name}" listens to "${deaf.event.type}", which no module declares.`);
  const declared = all((module) => module.scopes);
  const route = all((module) => module.routes).find(
    ({ spec: { allow } }) => typeof allow === "object" && !declared.includes(allow),
  );
  if (route) throw new Error(`No module declares the scope of ${route.method.toUpperCase()} ${route.path}.`);
  scopes.fill(all((module) => module.scopes));
  paymentProviders.fill(all((module) => module.providers));
  stripeHandlers.fill(all((module) => module.stripe));
}

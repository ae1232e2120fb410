import { paymentGates } from "../../core/cart/index.js";
import { meters } from "../../core/entitlement/meter.js";
import { scopes } from "../../core/kernel/access.js";
import { declaredJobs } from "../../core/kernel/job/index.js";
import { requireUnique } from "../../core/kernel/registry.js";
import { ledgerAccounts } from "../../core/ledger/account.js";
import { ledgerKinds } from "../../core/ledger/kind.js";
import { paymentProviders } from "../../core/payment/index.js";
import { stripeHandlers } from "../../core/stripe/event.js";
import type { Module } from "./module.js";

/**
 * Hands the modules' declarations to the domain. The list calls it when it is loaded, so that no entry can forget it.
 * @throws Error that names each declaration that is made twice, or used and not made
 */
export function register(modules: readonly Module[]): void {
  const all = <Item>(pick: (module: Module) => readonly Item[] | undefined): Item[] =>
    modules.flatMap((module) => pick(module) ?? []);
  requireSound(modules, all);
  scopes.fill(all((module) => module.scopes));
  paymentProviders.fill(all((module) => module.providers));
  paymentGates.fill(all((module) => module.providers));
  meters.fill(all((module) => module.meters));
  ledgerKinds.fill(all((module) => module.ledgerKinds));
  ledgerAccounts.fill(all((module) => module.ledgerAccounts));
  stripeHandlers.fill(all((module) => module.stripe));
}

type All = <Item>(pick: (module: Module) => readonly Item[] | undefined) => Item[];

/** Checks that names are unique across modules, that used names are declared, and that declared ones are handled. */
function requireSound(modules: readonly Module[], all: All): void {
  const types = all((module) => module.events).map(({ type }) => type);
  const subscribers = all((module) => module.subscribers);
  const jobs = all((module) => module.jobs).map(({ job }) => job.name);
  const routes = all((module) => module.routes);
  const names = {
    module: modules.map(({ name }) => name),
    route: routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`),
    "event type": types,
    subscriber: subscribers.map(({ name }) => name),
    job: jobs,
    sweep: all((module) => module.sweeps).map(({ name }) => name),
    alarm: all((module) => module.alarms).map(({ name }) => name),
  };
  for (const [kind, given] of Object.entries(names)) requireUnique(kind, given);
  const unhandled = declaredJobs().find(({ name }) => !jobs.includes(name));
  if (unhandled) throw new Error(`No module handles the job "${unhandled.name}".`);
  const deaf = subscribers.find(({ event }) => !types.includes(event.type));
  if (deaf) throw new Error(`The subscriber "${deaf.name}" listens to "${deaf.event.type}", which no module declares.`);
  const scoped = all((module) => module.scopes);
  const unscoped = routes.find(({ spec: { allow } }) => typeof allow === "object" && !scoped.includes(allow));
  if (unscoped) throw new Error(`No module declares the scope of ${unscoped.method.toUpperCase()} ${unscoped.path}.`);
}

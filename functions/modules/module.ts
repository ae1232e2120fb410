import type { Meter } from "../../core/entitlement/meter.js";
import type { Scope } from "../../core/kernel/access.js";
import type { EventType, Subscriber } from "../../core/kernel/event/index.js";
import type { JobHandler } from "../../core/kernel/job/index.js";
import type { TenantTable } from "../../core/kernel/table.js";
import type { LedgerAccount, LedgerKind } from "../../core/ledger/index.js";
import type { Provider } from "../../core/payment/index.js";
import type { StripeHandler } from "../../core/stripe/event.js";
import type { Endpoint } from "../http/endpoint.js";
import type { Alarm } from "./alarm.js";

/** Periodic work, which runs each minute for the tenants that have something due. */
export interface Sweep {
  /** Permanent: metrics and logs carry it. */
  name: string;
  /** Returns how many rows it dealt with. */
  run(): Promise<number>;
  /** The most rows of one run, for one that deals with a part of them: it runs again until less than that is due. */
  slice?: number;
}

/** All that one noun adds to the running system. Built-in modules and plugins use the same object. */
export interface Module {
  name: string;
  /** Migrations, grants, policies and triggers of these come from their `tenantTable()`. */
  tables?: readonly TenantTable[];
  /** Rights that its routes take. */
  scopes?: readonly Scope[];
  /** The meters for the limits of the plans. */
  meters?: readonly Meter[];
  /** The facts that it records in the ledger. */
  ledgerKinds?: readonly LedgerKind[];
  /** The accounts of the ledger that it brings; other modules may post to them, too. */
  ledgerAccounts?: readonly LedgerAccount[];
  routes?: readonly Endpoint[];
  events?: readonly EventType[];
  subscribers?: readonly Subscriber[];
  jobs?: readonly JobHandler[];
  sweeps?: readonly Sweep[];
  /** Payment providers. */
  providers?: readonly Provider[];
  /** Handlers of Stripe's events. */
  stripe?: readonly StripeHandler[];
  /** Alarms on the metrics that it emits. */
  alarms?: readonly Alarm[];
}

import type { EventType, Subscriber } from "../../core/kernel/event/index.js";
import type { JobType } from "../../core/kernel/job/index.js";
import type { Endpoint } from "../http/endpoint.js";

/** Housekeeping that runs each minute, once per tenant that has something due. */
export interface Sweep {
  name: string;
  /** Returns how much it did. */
  run(): Promise<number>;
}

/** What a module adds to the running system; built-in modules and plugins use the same object. */
export interface Module {
  name: string;
  routes?: readonly Endpoint[];
  events?: readonly EventType[];
  subscribers?: readonly Subscriber[];
  jobs?: readonly JobType[];
  sweeps?: readonly Sweep[];
}

import type { FunctionName } from "../../stacks/topology.js";
import type { Aftermath } from "./aftermath.js";
import type { Fairness } from "./fairness.js";
import type { Growth, Sizes } from "./growth.js";
import type { Measured } from "./measure.js";
import type { Compared } from "./peers/slices.js";
import type { Tenancy } from "./tenancy.js";
import type { Trips } from "./trips.js";
import type { Webhooks } from "./webhook.js";
import type { Weight } from "./weight.js";

export interface Report {
  readonly date: string;
  readonly node: string;
  readonly cpus: number;
  readonly cpu: string;
  readonly commit: string;
  readonly quick: boolean;
  /** Off, as in production. */
  readonly validateResponses: "off";
  readonly connections: number;
  readonly products: number;
  readonly variants: number;
  readonly orders: number;
  /** Milliseconds: into an empty folder, and once more into the same one. */
  readonly startUp: { readonly first: number; readonly again: number };
  readonly bundles: Readonly<Record<FunctionName, Weight>>;
  readonly scenarios: readonly Measured[];
  readonly trips: Readonly<Record<string, Trips>>;
  readonly webhooks: Webhooks;
  /** At one order a second, and at full load. */
  readonly aftermath: { readonly slow: Aftermath; readonly fast: Aftermath };
  readonly tenancy: readonly Tenancy[];
  readonly fairness: Fairness;
  readonly growth: readonly Growth[];
  readonly sizes: Sizes;
  /** With `--peers`. */
  readonly peers?: readonly Compared[];
}

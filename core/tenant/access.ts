import type { Scope } from "../kernel/access.js";
import { type Failure, forbidden } from "../kernel/error.js";
import type { tenantAccesses, tenantStatuses } from "./tenant.sql.js";

type TenantAccess = (typeof tenantAccesses)[number];

/** The part of the API that an operation belongs to. */
type Area = "session" | "billing" | "store" | "staff";
/** The right that an operation requires of its caller. */
type Allow = "tenant" | "shopper" | "member" | Scope;

function areaOf(allow: Allow): Area {
  if (allow === "member") return "session";
  if (allow === "shopper" || allow === "tenant") return "store";
  return allow.whileSuspended ? "billing" : "staff";
}

type Mode = "reads" | "writes";

/**
 * The only table of the operations that a tenant's access closes. Sessions and billing stay open, so that the owner can
 * log in and pay; the staff can always read, because the data are the merchant's own. An operation for shoppers belongs
 * to the store for every credential: a shop that is rendered by a server calls it with a secret key.
 */
const closedOperations: Record<TenantAccess, Record<Area, readonly Mode[]>> = {
  full: { session: [], billing: [], store: [], staff: [] },
  read_only: { session: [], billing: [], store: [], staff: ["writes"] },
  blocked: { session: [], billing: [], store: ["reads", "writes"], staff: ["writes"] },
};

/** Access and status of a tenant, as its row has them. */
export interface TenantState {
  access: TenantAccess;
  status: (typeof tenantStatuses)[number];
}

/** The access that applies: the stricter one, should access and status ever differ. */
const accessOf = ({ access, status }: TenantState): TenantAccess =>
  status === "suspended" || status === "closing" ? "blocked" : access;

/** The failure of an operation that the tenant's access closes; undefined when it is open. */
export function refusalFor(state: TenantState, allow: Allow, writes: boolean): Failure | undefined {
  const access = accessOf(state);
  if (!closedOperations[access][areaOf(allow)].includes(writes ? "writes" : "reads")) return undefined;
  if (access === "read_only")
    return forbidden(
      "tenant_read_only",
      "The tenant's subscription is unpaid: data can be read but not changed. Pay the open invoice at `/v1/billing`.",
    );
  return forbidden("tenant_suspended", "The tenant is suspended: the shop is closed, and data can only be read.");
}

import type { Scope } from "../kernel/access.js";
import { type Failure, forbidden } from "../kernel/error.js";
import type { tenantAccesses, tenantStatuses } from "./tenant.sql.js";

type TenantAccess = (typeof tenantAccesses)[number];

/** Who an operation is for. */
type Area = "session" | "billing" | "store" | "staff";
/** What it takes to call it. */
type Allow = "tenant" | "shopper" | "member" | Scope;

function areaOf(allow: Allow): Area {
  if (allow === "member") return "session";
  if (allow === "shopper" || allow === "tenant") return "store";
  return allow.whileSuspended ? "billing" : "staff";
}

type Mode = "reads" | "writes";

/**
 * THE table of what a tenant's access closes. Sessions and billing stay open, so that its owner can log in and pay, and
 * so does reading: the data are the merchant's own. What shoppers do is the store's, whoever asks for them: a shop that
 * is rendered by a server asks with a secret key.
 */
const closedOperations: Record<TenantAccess, Record<Area, readonly Mode[]>> = {
  full: { session: [], billing: [], store: [], staff: [] },
  read_only: { session: [], billing: [], store: [], staff: ["writes"] },
  blocked: { session: [], billing: [], store: ["reads", "writes"], staff: ["writes"] },
};

/** How a tenant stands, as its row says. */
export interface TenantState {
  access: TenantAccess;
  status: (typeof tenantStatuses)[number];
}

/** The stricter of both, should they ever differ. */
const accessOf = ({ access, status }: TenantState): TenantAccess =>
  status === "suspended" || status === "closing" ? "blocked" : access;

/** Why a tenant that stands like this may not do this now; undefined when it may. */
export function refusalFor(standing: TenantState, allow: Allow, writes: boolean): Failure | undefined {
  const access = accessOf(standing);
  if (!closedOperations[access][areaOf(allow)].includes(writes ? "writes" : "reads")) return undefined;
  if (access === "read_only")
    return forbidden(
      "tenant_read_only",
      "The tenant's subscription is unpaid: data can be read but not changed. Pay the open invoice at `/v1/billing`.",
    );
  return forbidden("tenant_suspended", "The tenant is suspended: the shop is closed, and data can only be read.");
}

import type { Scope } from "../kernel/access.js";
import { type Failure, forbidden } from "../kernel/error.js";
import type { tenantAccesses, tenantStatuses } from "./tenant.sql.js";

type TenantAccess = (typeof tenantAccesses)[number];

/** The part of the API that an operation belongs to. */
type Area = "session" | "security" | "billing" | "store" | "staff";
/** The right that an operation requires of its caller. */
type Allow = "tenant" | "shopper" | "member" | Scope;

/** The operation that a caller asks for, as far as its area depends on it. */
export interface Asked {
  allow: Allow;
  writes: boolean;
  /** It takes rights or credentials away. */
  endsAccess?: boolean | undefined;
  /** The caller is a secret key. */
  byKey?: boolean;
}

function areaOf({ allow, endsAccess }: Asked): Area {
  if (endsAccess) return "security";
  if (allow === "member") return "session";
  if (allow === "shopper" || allow === "tenant") return "store";
  return allow.whileSuspended ? "billing" : "staff";
}

type Mode = "reads" | "writes";

/**
 * The only table of the operations that a tenant's access closes. Sessions and billing stay open, so that the owner can
 * log in and pay; the staff can always read, because the data are the merchant's own. An operation for shoppers belongs
 * to the store for every credential: a shop that is rendered by a server calls it with a secret key. Nothing closes
 * security, because a leaked credential must end while a bill is open.
 */
const closedOperations: Record<TenantAccess, Record<Area, readonly Mode[]>> = {
  full: { session: [], security: [], billing: [], store: [], staff: [] },
  read_only: { session: [], security: [], billing: [], store: [], staff: ["writes"] },
  blocked: { session: [], security: [], billing: [], store: ["reads", "writes"], staff: ["writes"] },
};

/**
 * A blocked tenant has nobody who watches its servers, so that its keys read no personal data; a member still can.
 */
const isClosedToKey = (access: TenantAccess, { allow, byKey }: Asked): boolean =>
  access === "blocked" && byKey === true && typeof allow === "object" && allow.personal === true;

/** Access and status of a tenant, as its row has them. */
export interface TenantState {
  access: TenantAccess;
  status: (typeof tenantStatuses)[number];
}

/** The access that applies: the stricter one, should access and status ever differ. */
const accessOf = ({ access, status }: TenantState): TenantAccess =>
  status === "suspended" || status === "closing" ? "blocked" : access;

/** The failure of an operation that the tenant's access closes; undefined when it is open. */
export function refusalFor(state: TenantState, asked: Asked): Failure | undefined {
  const access = accessOf(state);
  const isClosed = closedOperations[access][areaOf(asked)].includes(asked.writes ? "writes" : "reads");
  if (!isClosed && (asked.writes || !isClosedToKey(access, asked))) return undefined;
  if (access === "read_only")
    return forbidden(
      "tenant_read_only",
      "The tenant's subscription is unpaid: data can be read but not changed. Pay the open invoice at `/v1/billing`.",
    );
  return forbidden(
    "tenant_suspended",
    "The tenant is suspended: the shop is closed, and data can only be read. Personal data can be read by members only.",
  );
}

import { exists } from "drizzle-orm";
import { prepared } from "../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import { planCode } from "../entitlement/index.js";
import type { Actor, Principal } from "../kernel/actor.js";
import { unauthenticated } from "../kernel/error.js";
import {
  addressKey,
  answersOf,
  askText,
  type Bucket,
  type BucketState,
  type Class,
  Leases,
  leaseTokens,
  tenantBucket,
} from "../rate/index.js";
import type { TenantState } from "../tenant/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";

/** The holder of a credential, the state of the holder's tenant, and the buckets that the request took tokens from. */
export interface Holder {
  actor: Exclude<Actor, { type: "operator" }>;
  tenant: TenantState & { id: string; slug: string; plan: string };
  rates: readonly BucketState[];
  /** A caller without a bucket of its own, who learns nothing of the tenant's. */
  isShopper: boolean;
}

/** The price of a request, and the buckets of the tenant that it is paid from. */
export interface Price {
  class: Class;
  cost: number;
}

/** The look-up of a credential: queries for a batch, and the function that reads their rows. */
export interface Lookup {
  tenantId: string;
  /**
   * Whether the credential may travel with other queries: its signature is valid, or this process has found it before,
   * and its caller is not known to be limited.
   */
  isVerified: boolean;
  /** The principal that the look-up finds, if it finds one; undefined when only the look-up can tell. */
  principal: Principal | undefined;
  /** The refusal of a limited caller that needs no look-up. */
  refusal: Omit<Holder, "actor"> | undefined;
  queries(q: Reader): readonly Unexecuted[];
  /** @throws Failure unauthenticated */
  toHolder(results: readonly unknown[]): Holder;
}

/** The columns of the tenant that each look-up reads. */
export const tenantColumns = {
  slug: tenantTableRoot.slug,
  status: tenantTableRoot.status,
  access: tenantTableRoot.access,
  plan: planCode,
  requestRate: tenantTableRoot.requestRate,
};
type TenantRow = Omit<Holder["tenant"], "id"> & { requestRate: number };

/** A credential as its text shows it. */
interface Presented<Values> {
  tenantId: string;
  values: Values;
  /** The credential's name in this process. */
  name: string;
  /** The key of the bucket that this principal alone takes tokens from. */
  ratePrincipal?: string | undefined;
  address: string;
  price: Price;
}

function bucketsOf({ ratePrincipal, address, price }: Presented<unknown>): Bucket[] {
  if (price.class === "security") return [{ policy: "security", key: ratePrincipal ?? addressKey(address) }];
  const own: Bucket =
    ratePrincipal === undefined
      ? { policy: "address", key: addressKey(address) }
      : { policy: "principal", key: ratePrincipal };
  // A shopper who asks for what only the staff may do takes nothing of the staff's.
  return [own, { policy: ratePrincipal === undefined ? "shop" : price.class, key: "" }, tenantBucket];
}

const leases = new Leases();

/** The limited credentials that this process has found, and when (milliseconds). */
const limited = new Map<string, { at: number; tenant: Holder["tenant"] }>();

function rememberLimited(name: string, tenant: Holder["tenant"]): void {
  if (limited.size > 1_000) limited.clear();
  limited.set(name, { at: Date.now(), tenant });
}

/**
 * Builds the look-up of one kind of credential and the statement that takes its tokens when this process has none.
 * Tokens are spent only when the look-up finds a row, so that an invented credential spends no quota. Every request
 * sends these statements, so they are built once.
 */
export function defineLookup<Values extends object, Query extends Unexecuted<object[]>>(
  find: (q: Reader, values: Values) => Query,
  actorOf: (row: Awaited<Query>[number], tenantId: string) => Holder["actor"],
) {
  const findHolder = prepared(find);
  const takeLeases = prepared((q, values: Values & { asks: string }) =>
    leaseTokens(q, values.asks, exists(find(q, values))),
  );
  return (presented: Presented<Values>): Omit<Lookup, "principal"> & { asks: string | undefined } => {
    const { tenantId, values, name, price } = presented;
    const isShopper = presented.ratePrincipal === undefined;
    const admission = leases.admit(tenantId, bucketsOf(presented), undefined, price.cost);
    const asks = admission.asks && askText(admission.asks);
    const known = limited.get(name);
    // A credential that was found after its bucket was empty is refused again without a look-up.
    const isKnown = known !== undefined && admission.isRefused && known.at >= admission.refusedAt;
    return {
      tenantId,
      isVerified: !admission.isRefused,
      refusal: isKnown ? { tenant: known.tenant, rates: admission.refusals(), isShopper } : undefined,
      asks,
      queries: (q) => [findHolder(q, values), ...(asks === undefined ? [] : [takeLeases(q, { ...values, asks })])],
      toHolder([rows, answers]) {
        const [row] = rows as (Awaited<Query>[number] & TenantRow)[];
        if (!row) {
          admission.cancel();
          throw unauthenticated("credential_invalid", "The credential is unknown, expired or revoked.");
        }
        const { slug, status, access, plan, requestRate } = row;
        const tenant = { id: tenantId, slug, status, access, plan };
        const rates = admission.settle(asks === undefined ? [] : answersOf(answers), requestRate);
        if (rates.some(({ granted }) => !granted)) rememberLimited(name, tenant);
        return { actor: actorOf(row, tenantId), tenant, rates, isShopper };
      },
    };
  };
}

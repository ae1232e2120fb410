import { verifyAccessToken } from "../../core/identity/access-token.js";
import { lookUpAccessToken, lookUpKey, lookUpVisitor } from "../../core/identity/credential.js";
import type { Holder, Lookup, Price } from "../../core/identity/lookup.js";
import { allows } from "../../core/kernel/access.js";
import { type Actor, addToContext, type Credential } from "../../core/kernel/actor.js";
import { forbidden, malformed, unauthenticated } from "../../core/kernel/error.js";
import { mostLimited, refuseLimited, toldToShopper } from "../../core/rate/index.js";
import { refusalFor } from "../../core/tenant/access.js";
import { findByName, requireSameTenant } from "../../core/tenant/index.js";
import type { Allow, Spec } from "./endpoint.js";
import { tenantNames } from "./tenant.js";

interface Incoming {
  /** A request without a method counts as a write, unless its scope ends with `:read`. */
  method?: string;
  headers: Headers;
  query: URLSearchParams;
  /** The client's address as the gateway saw it. */
  address: string;
}

/** Tokens of a request that no endpoint has priced. */
const ONE: Price = { class: "staff", cost: 1 };

/**
 * Authenticates the caller: reads the credential and leaves its look-up to the first batch of queries. The credential
 * decides the tenant. A request without one names its tenant itself, where the operation needs no credential.
 * @throws Failure unauthenticated, malformed or not_found
 */
export async function authenticate(
  request: Incoming,
  { allow, endsAccess }: Pick<Spec, "allow" | "endsAccess">,
  price = ONE,
): Promise<{ credential?: Credential; actor?: Actor }> {
  if (allow === "public") return {};
  const names = tenantNames(request);
  const lookup = (await readCredential(request, price)) ?? (await lookUpNamedTenant(request, { allow, names, price }));
  if (lookup.refusal) checkRate(lookup.refusal, names);
  const writes = request.method
    ? !["GET", "HEAD"].includes(request.method.toUpperCase())
    : typeof allow === "string" || !allow.name.endsWith(":read");
  return {
    credential: {
      tenantId: lookup.tenantId,
      isVerified: lookup.isVerified,
      principal: lookup.principal,
      queries: lookup.queries,
      authorize: (results) => authorize(lookup, results, { allow, endsAccess, names, writes }),
    },
  };
}

async function readCredential({ headers, address }: Incoming, price: Price): Promise<Lookup | undefined> {
  const texts = [bearer(headers.get("authorization")), headers.get("x-api-key")?.trim()];
  const [text, ...others] = new Set(texts.filter((given) => given !== undefined));
  if (text === undefined) return undefined;
  if (others.length > 0)
    throw malformed("credential_ambiguous", "The request carries two different credentials. Send one.");
  const isKey = /^[sp]k_/.test(text) || headers.has("x-api-key");
  return isKey ? lookUpKey(text, address, price) : lookUpAccessToken(await verifyAccessToken(text), address, price);
}

/** RFC 6750 §2.1: one scheme, one space, one token. */
function bearer(header: string | null): string | undefined {
  if (header === null) return undefined;
  const token = /^bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1];
  if (!token)
    throw unauthenticated(
      "credential_malformed",
      "The Authorization header is malformed. Send `Bearer` followed by one access token or API key.",
    );
  return token;
}

async function lookUpNamedTenant(
  { address }: Incoming,
  { allow, names, price }: { allow: Allow; names: readonly string[]; price: Price },
): Promise<Lookup> {
  const [name] = names;
  if (allow !== "tenant") throw unauthenticated("unauthenticated", "The operation requires a credential.");
  if (!name) throw malformed("tenant_required", "The request names no tenant. Set `x-tenant-id` or `?tenant=`.");
  return lookUpVisitor((await findByName(name)).id, address, price);
}

interface Requirements {
  allow: Exclude<Allow, "public">;
  endsAccess: boolean | undefined;
  names: readonly string[];
  writes: boolean;
}

/**
 * Checks identity, then tenant, then rate limit, then rights, then the tenant's access: an unknown caller learns
 * nothing of a rate limit, and a caller without the right learns nothing of the tenant's unpaid bills.
 */
function authorize(lookup: Lookup, results: readonly unknown[], { names, ...asked }: Requirements): Actor {
  const holder = lookup.toHolder(results);
  checkRate(holder, names);
  if (!isAllowed(holder.actor, asked.allow)) throw missingRight(holder.actor, asked.allow);
  const closed = refusalFor(holder.tenant, { ...asked, byKey: holder.actor.type === "key" });
  if (closed) throw closed;
  addToContext({ plan: holder.tenant.plan });
  return holder.actor;
}

/** The refusal of a known caller: what the operation needs, and what the credential has. */
function missingRight(actor: Actor, allow: Requirements["allow"]) {
  const granted = actor.type === "member" ? { role: actor.role } : { scopes: actor.type === "key" ? actor.scopes : [] };
  if (typeof allow !== "string") {
    const text = `The operation needs the scope "${allow.name}", which members have from the role ${allow.role} on, and secret keys by name.`;
    return forbidden("forbidden", text, { data: { requiredScope: allow.name, granted } });
  }
  const text =
    allow === "member"
      ? "The operation is for members: send the access token of a login."
      : "The operation is for shoppers: send a publishable key, or a secret key on their behalf.";
  return forbidden("forbidden", text, { data: { granted } });
}

/** @throws Failure when the tenant is not the named one, or limited */
function checkRate({ tenant, rates, isShopper }: Omit<Holder, "actor">, names: readonly string[]): void {
  requireSameTenant(tenant, names);
  const rate = mostLimited(rates);
  const told = isShopper ? toldToShopper(rates) : rate;
  if (told) addToContext({ rate: told });
  refuseLimited(rate);
}

function isAllowed(actor: Holder["actor"], allow: Requirements["allow"]): boolean {
  switch (allow) {
    case "tenant":
      return true;
    case "shopper":
      return actor.type === "customer" || actor.type === "key" || (actor.type === "visitor" && !!actor.keyId);
    case "member":
      return actor.type === "member";
    default:
      return allows(actor, allow);
  }
}

import { AsyncLocalStorage } from "node:async_hooks";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import { unauthenticated } from "./error.js";
import type { Role } from "./role.js";

/** The identity in whose name code runs. Each but the operator carries its tenant. */
export type Actor =
  | { type: "visitor"; tenantId: string; keyId?: string }
  | { type: "customer"; tenantId: string; customerId: string }
  | { type: "member"; tenantId: string; memberId: string; sessionId: string; role: Role }
  | { type: "key"; tenantId: string; keyId: string; scopes: readonly string[] }
  | { type: "plugin"; tenantId: string; plugin: string; scopes: readonly string[] }
  | { type: "system"; tenantId: string }
  | { type: "operator" };

/** A caller as its credential shows it; a look-up confirms it or refuses. Its fields are named like those of an actor. */
export type Principal = { type: "visitor" } | { type: "member"; memberId: string } | { type: "key"; keyId: string };

/**
 * A credential that names its tenant in its text and was not looked up yet. Its queries travel in the batch of the
 * first read, so that a read costs one round trip; `authorize` refuses before any row is returned.
 */
export interface Credential {
  tenantId: string;
  /** Whether the credential is known to be real. One that is not is looked up before the first read for it. */
  isVerified: boolean;
  /** The principal that the look-up finds, if it finds one; undefined when only the look-up can tell. */
  principal: Principal | undefined;
  /** The look-up, which only reads; then what takes tokens or notes a use, where it is due. */
  queries(q: Reader): readonly Unexecuted[];
  /** @throws Failure unauthenticated, forbidden or limited */
  authorize(results: readonly unknown[]): Actor;
}

/**
 * What the code of a request, event or job knows of it. Its caller is in one of two states: unverified, with a
 * `credential` that was not looked up yet, or verified, with an `actor`. Only the functions below change it.
 */
export interface Context {
  readonly actor?: Actor;
  readonly credential?: Credential;
  readonly requestId: string;
  /** The id that the gateway gave the request, and wrote into its own log. */
  readonly gatewayRequestId?: string;
  /** The identity that the caller claims, while it is not verified: the tenant, and the keyed hash of the account. */
  readonly claim?: { readonly tenantId?: string | undefined; readonly account?: string };
  /** The client's address, as the gateway saw it; no header of the client can change it. */
  readonly address?: string;
  /**
   * The bucket that limits this request most. `reset`, `window`: seconds until it is full again, from now and from
   * empty.
   */
  readonly rate?: { policy: string; limit: number; remaining: number; reset: number; window: number };
  /** The code of the tenant's plan, once a credential was looked up. */
  readonly plan?: string | undefined;
  /** W3C Trace Context, carried along into events and jobs. */
  readonly traceparent?: string;
  /** The id of the event or job whose effect is running. */
  readonly causeId?: string;
  /** The principal and the Idempotency-Key of this request, by which a retry finds the objects of the first attempt. */
  readonly requestKey?: string;
}

const storage = new AsyncLocalStorage<Context>();

/** The running context. It fails closed: outside of a context no code reaches a tenant. @throws Error */
export function context(): Context {
  const current = storage.getStore();
  if (!current) throw new Error("There is no context: run this inside withContext().");
  return current;
}

export const currentContext = () => storage.getStore();

export const withContext = <T>(value: Context, run: () => T): T => storage.run(value, run);

type Writable = { -readonly [Name in keyof Context]: Context[Name] };

/** Adds what has become known of the request. */
export function addToContext(
  facts: Partial<Pick<Context, "credential" | "actor" | "plan" | "rate" | "requestKey" | "claim">>,
): void {
  Object.assign(context(), facts);
}

/**
 * Ends the state "unverified" with the results of the credential's look-up: the caller becomes an actor, or is refused.
 * Does nothing for a caller who is verified.
 * @throws Failure unauthenticated, forbidden or limited
 */
export function verifyCaller(results: readonly unknown[]): void {
  const current: Writable = context();
  const { credential } = current;
  if (!credential) return;
  delete current.credential; // the look-up is done, even when it is refused
  current.actor = credential.authorize(results);
}

/** Runs as another actor of the same request, event or job. */
export const runAs = <T>(actor: Actor, run: () => T): T =>
  storage.run({ ...context(), actor, credential: undefined, plan: undefined }, run);

/** The actor of the running context. @throws Failure unauthenticated when there is none */
export function actor(): Actor {
  const { actor: known } = context();
  if (!known) throw unauthenticated("unauthenticated", "The operation requires a credential.");
  return known;
}

/** The actor as rows keep it: the tenant has a column of its own; scopes and session do not belong to the identity. */
export function actorRecord(): Record<string, unknown> {
  const { tenantId: _, scopes: __, sessionId: ___, ...who } = actor() as Record<string, unknown>;
  return who;
}

/** TypeID of the tenant that the actor belongs to. @throws Failure for an operator, who belongs to none */
export function tenantId(): string {
  const { actor: known, credential } = context();
  const id = known ? ("tenantId" in known ? known.tenantId : undefined) : credential?.tenantId;
  if (!id) throw unauthenticated("unauthenticated", "The operation requires a tenant.");
  return id;
}

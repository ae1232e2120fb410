import { createHash } from "node:crypto";
import { authorize, type Keys } from "./authority.js";
import type { Fault } from "./chaos.js";
import type { Call, Execute, Route } from "./engine.js";
import type { createExpander } from "./expansion.js";
import { Failure, refused, unknownUrl } from "./failure.js";
import { decodeForm, type Raw } from "./form.js";
import { randomText } from "./id.js";
import { checkKey, type Idempotency, type Remembered } from "./idempotency.js";
import { apiVersion, type Core, createStore } from "./store.js";

export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
  /** None for an unknown URL. */
  readonly route: Route | undefined;
  /** Path parameters by name. */
  readonly params: Record<string, string>;
}
export interface Outgoing {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Api {
  readonly core: Core;
  readonly keys: Keys;
  readonly idempotency: Idempotency;
  readonly expand: ReturnType<typeof createExpander>;
}

/** A checked request: credential, account, route and idempotency key. */
export interface Prepared {
  readonly id: string;
  readonly account: string | undefined;
  readonly credential: Call["credential"];
  readonly path: Record<string, string>;
  readonly params: Raw;
  readonly execute: Execute;
  readonly expand: readonly string[];
  readonly key: string | undefined;
  readonly endpoint: string;
  readonly fingerprint: string;
}

const header = ({ headers }: Incoming, name: string) => {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
};

export const newRequestId = () => `req_${randomText(14)}`;

function expansions(raw: Raw): string[] {
  const { expand } = raw;
  delete raw.expand;
  if (expand === undefined) return [];
  if (Array.isArray(expand) && expand.every((path) => typeof path === "string")) return expand;
  throw refused("Invalid array", { param: "expand" });
}

function decoded(incoming: Incoming): Raw {
  const type = header(incoming, "content-type") ?? "application/x-www-form-urlencoded";
  if (incoming.body && !type.startsWith("application/x-www-form-urlencoded"))
    throw refused(
      "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.",
    );
  return decodeForm(incoming.method === "POST" ? incoming.body : incoming.query);
}

/** A digest of the form, independent of the order of its fields. */
const digest = (form: string) => createHash("sha256").update(form.split("&").sort().join("&")).digest("base64");

/** Checks version, credential, URL and parameters, in Stripe's order. @throws Failure */
export function prepare(api: Api, id: string, incoming: Incoming): Prepared {
  const version = header(incoming, "stripe-version");
  if (version && version !== apiVersion) throw refused(`Invalid Stripe API version: ${version}`);
  const { route } = incoming;
  const { credential, account } = authorize(api, incoming.headers, route);
  if (!route) throw unknownUrl(incoming.method, incoming.path);
  const params = decoded(incoming);
  const key = incoming.method === "POST" ? header(incoming, "idempotency-key") : undefined;
  if (key) checkKey(key);
  const fingerprint = key ? digest(incoming.body) : "";
  const expand = expansions(params);
  const execute = route.check(params);
  const endpoint = incoming.path;
  return { id, account, credential, path: incoming.params, params, execute, expand, key, endpoint, fingerprint };
}

const scope = ({ account }: Prepared) => account ?? "platform";

export function claim({ idempotency }: Api, prepared: Prepared): Remembered | undefined {
  const { key, endpoint, fingerprint } = prepared;
  return key === undefined ? undefined : idempotency.claim(scope(prepared), key, endpoint, fingerprint);
}

export function unclaim({ idempotency }: Api, prepared: Prepared) {
  if (prepared.key !== undefined) idempotency.release(scope(prepared), prepared.key);
}

const broken = new Failure(500, {
  type: "api_error",
  message: "An unknown error occurred. If you have any questions, we can help at https://support.stripe.com/.",
});

function run({ core, expand }: Api, prepared: Prepared, fault: Fault | undefined): { status: number; body: string } {
  const { id, account, credential, path, execute, key } = prepared;
  const store = createStore(core, account, { id, idempotency_key: key ?? null });
  try {
    if (fault?.kind === "error_before") throw broken;
    const object = expand(execute({ path, credential }, store), prepared.expand, store);
    if (fault?.kind === "error_after") throw broken;
    return { status: 200, body: JSON.stringify(object, null, 2) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { status: error.status, body: JSON.stringify(error.payload, null, 2) };
  }
}

/** Runs a claimed request and stores its result under the idempotency key. */
export function execute(api: Api, prepared: Prepared, fault: Fault | undefined): { status: number; body: string } {
  const { id, key, endpoint, fingerprint } = prepared;
  const result = run(api, prepared, fault);
  if (key !== undefined) {
    const name = `${scope(prepared)} ${key}`;
    const remembered = { endpoint, fingerprint, request: id, ...result, at: api.core.clock.now() };
    api.idempotency.keep(name, remembered);
    api.core.journal.write({ key: name, remembered });
  }
  return result;
}

import type { Price } from "../../core/identity/lookup.js";
import { PAGE_BYTES } from "../../core/kernel/page.js";
import type { Endpoint } from "./endpoint.js";

/** Rows of a page that one token reads. */
const ROWS = 25;
const DEFAULT_ROWS = 20;
/** The factor of `expand`, which reads more for each row. */
const EXPANDED = 4;
/** A request that waits holds an environment and asks again and again. */
const WAITING = 4;

const numberIn = (query: URLSearchParams, name: string, otherwise: number) => {
  const value = Number(query.get(name) ?? otherwise);
  return value >= 0 && value <= 100 ? value : 100;
};

/**
 * The tokens of a call: what its endpoint declares, else one for a read and two for a write; a list by its page and by
 * `expand`. It is known before anything of the request is parsed.
 */
export function costOf({ method, spec }: Pick<Endpoint, "method" | "spec">, query: URLSearchParams): number {
  const base = spec.cost ?? (method === "get" ? 1 : 2);
  if (method !== "get") return base;
  const pages = Math.max(1, Math.ceil(numberIn(query, "limit", DEFAULT_ROWS) / ROWS));
  const each = query.has("expand") ? EXPANDED : 1;
  return base * pages * each + (numberIn(query, "wait", 0) > 0 ? WAITING : 0);
}

/** The price of a call, and the part of the tenant's tokens that it is paid from. */
export function priceOf(endpoint: Pick<Endpoint, "method" | "spec">, query: URLSearchParams): Price {
  const { allow, endsAccess, findsAccess } = endpoint.spec;
  const isForShoppers = allow === "shopper" || allow === "tenant";
  const of = endsAccess || findsAccess ? "security" : isForShoppers ? "shop" : "staff";
  return { class: of, cost: costOf(endpoint, query) };
}

/** The most that one call of an operation costs us, for any body that its schema admits and any rows that a shop can have. */
interface Bounds {
  statements: number;
  /** Rows that are inserted and changed, with those of the events that it causes. */
  rows: number;
  /** Bytes of the answer, before it is compressed. */
  bytes: number;
  /** Milliseconds of a core, as an order of magnitude: a hash of a password is 30, most calls are less. */
  cpu: number;
}

/** A hundred lines or variants, in each of the tables that one write of them changes. */
const LINES = 100;

/** What a token's price is worth: a test sends the dearest request of each operation and holds it against these. */
export function boundsOf({ method, spec }: Pick<Endpoint, "method" | "spec">): Bounds {
  const isRead = method === "get";
  const isList = "limit" in (spec.query?.shape ?? {});
  return {
    statements: isRead && !("wait" in (spec.query?.shape ?? {})) ? 10 : 60,
    rows: isRead ? 20 : 4 * LINES,
    bytes: isList ? PAGE_BYTES + 10_000 : 300_000,
    cpu: 500,
  };
}

import { createHash } from "node:crypto";
import type { Context as HonoContext } from "hono";
import * as z from "zod";
import { addToContext, context } from "../../core/kernel/actor.js";
import { AfterCommit, runAfterCommit } from "../../core/kernel/after-commit.js";
import { config } from "../../core/kernel/config.js";
import { db, verifyCredential } from "../../core/kernel/db.js";
import { Failure, malformed, notFound } from "../../core/kernel/error.js";
import { parse } from "../../core/kernel/fn.js";
import { rowId, type StoredAnswer } from "../../core/kernel/idempotency.js";
import { runIdempotent } from "../../core/kernel/idempotent.js";
import { toJson } from "../../core/kernel/page.js";
import { admitAddress, passDoor } from "../../core/rate/index.js";
import { authenticate } from "./auth.js";
import { checkText, readJson } from "./body.js";
import type { Endpoint, Input } from "./endpoint.js";
import { claimOf, isSealed, seal, unseal } from "./idempotency.js";
import { costOf, priceOf } from "./price.js";
import { failureAnswer } from "./problem.js";
import { carriesSecret } from "./secret.js";

interface Seen {
  version: number | undefined;
  tag: string | undefined;
}
type AnyInput = Input<never, never, never> & { version: number | undefined };
const noQuery = z.strictObject({});

/** Runs one operation: authentication, input, call, output. Throws Failures; the app turns them into problems. */
export async function runOperation(endpoint: Endpoint, http: HonoContext): Promise<Response> {
  const request = http.req.raw;
  const url = new URL(request.url);
  const current = context();
  const { door } = endpoint.spec;
  if (door) await passDoor(door, current.address ?? "", costOf(endpoint, url.searchParams));
  const caller = await authenticate(
    { method: request.method, headers: request.headers, query: url.searchParams, address: current.address ?? "" },
    endpoint.spec,
    priceOf(endpoint, url.searchParams),
  );
  const { credential } = caller;
  addToContext({ ...caller, ...(credential && { claim: { tenantId: credential.tenantId } }) });
  const write = endpoint.method !== "get";
  try {
    if (write && current.credential?.isVerified === false) await verifyCredential();
    const { input, bytes } = await inputOf(endpoint, http, url);
    if (!write) return await read(endpoint, input);
    return await perform(endpoint, input, bytes, request);
  } catch (error) {
    // A caller without the right to call does not learn the faults of the input.
    if (error instanceof Failure && current.credential) await verifyCredential();
    if (error instanceof Failure && error.code === "credential_invalid")
      await admitAddress("miss", current.address ?? "");
    throw explainCartToken(error, endpoint, request);
  }
}

/** A cart that is not found may be there: its token is missing. */
function explainCartToken(error: unknown, { spec }: Endpoint, { headers }: Request): unknown {
  if (!spec.cartToken || headers.has("x-cart-token")) return error;
  if (!(error instanceof Failure) || error.kind !== "not_found") return error;
  const { kind, code, message, extra } = error;
  const hint = "The request has no `x-cart-token`: send the token that the creation of the cart returned.";
  return new Failure(kind, code, `${message} ${hint}`, extra);
}

/** Reads with `read`; when that does not fit its schema, the header that is missing is told in the same answer. */
function withMissingKey<Value>(spec: Endpoint["spec"], request: Request, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "invalid_request") throw error;
    if (spec.idempotency !== "required" || request.headers.has("idempotency-key")) throw error;
    const detail = "is required: send a new random text with each operation, and the same one with its retries";
    const errors = [{ pointer: "Idempotency-Key", detail }, ...(error.extra.errors ?? [])];
    throw new Failure(error.kind, error.code, error.message, { ...error.extra, errors });
  }
}

async function inputOf({ spec }: Endpoint, http: HonoContext, url: URL) {
  const { json, bytes } = await readJson(http.req.raw);
  const params = spec.params?.safeParse(http.req.param());
  if (params && !params.success) throw notFound("resource");
  const cartToken = http.req.header("x-cart-token") ?? "";
  const input: AnyInput = {
    params: params?.data as never,
    query: parse(spec.query ?? noQuery, queryOf(url)) as never,
    body: withMissingKey(spec, http.req.raw, () => bodyOf(spec, json)) as never,
    ...versionOf(spec, http.req.header("if-match")),
    cartToken,
    http,
  };
  return { input, bytes };
}

function bodyOf(spec: Endpoint["spec"], json: unknown): unknown {
  if (spec.body) return parse(spec.body, json === undefined ? {} : json);
  if (json !== undefined && Object.keys(json ?? {}).length > 0)
    throw malformed("body_unexpected", "This operation takes no body.");
  return undefined;
}

/** Parameters of one request. */
const PARAMETERS = 50;

/**
 * Reads the query. Repeated parameters are refused: two readers would not agree which one counts.
 * @throws Failure malformed
 */
function queryOf(url: URL): Record<string, string> {
  if (url.searchParams.size > PARAMETERS)
    throw malformed("parameters_too_many", `The query has more than ${PARAMETERS} parameters.`);
  const query: Record<string, string> = Object.create(null); // or `__proto__` would be no name but a prototype
  for (const [name, value] of url.searchParams) {
    checkText(value);
    if (name === "tenant") continue; // read by authenticate()
    if (Object.hasOwn(query, name))
      throw malformed("parameter_repeated", `The parameter "${name.slice(0, 50)}" appears more than once.`);
    query[name] = value;
  }
  return query;
}

/**
 * The version in `If-Match`, and the tag behind it where answers have one: `"3"`, `"3-kD0…"` or `"3.kD0…"`. The part after
 * a dot stands for the body that was read, of which the version says what a write compares.
 */
function versionOf({ ifMatch, tag: tagged }: Endpoint["spec"], header: string | undefined): Seen {
  const text = header?.trim();
  if (!text || text === "*") {
    if (ifMatch !== "required" || text) return { version: undefined, tag: undefined };
    throw new Failure(
      "precondition_required",
      "version_required",
      "This operation requires If-Match with the version that you have read.",
    );
  }
  const [, version, tag] = /^(?:W\/)?"?(\d{1,9})(?:-([\w-]{22})|\.[\w-]{22})?"?$/.exec(text) ?? [];
  if (!version || (tag && !tagged)) throw malformed("if_match_invalid", 'If-Match takes one version, such as "3".');
  return { version: Number(version), tag };
}

async function read(endpoint: Endpoint, input: AnyInput): Promise<Response> {
  const value = await endpoint.handle(input);
  await verifyCredential();
  return respond(answerOf(endpoint, value));
}

async function perform(endpoint: Endpoint, input: AnyInput, bytes: Uint8Array, request: Request): Promise<Response> {
  const { spec } = endpoint;
  const isKnown = Boolean(context().actor ?? context().credential);
  const claim = isKnown ? claimOf(endpoint, request, bytes, input.cartToken) : undefined;
  const handle = async () => endpoint.handle(input);
  if (!claim) {
    if (isKnown && spec.transaction !== "own")
      return respond(answerOf(endpoint, await runAfterCommit(await db(handle))));
    await verifyCredential();
    return respond(answerOf(endpoint, await runAfterCommit(await handle())));
  }
  const current = context();
  addToContext({ requestKey: rowId(claim) });
  const { requestId } = current;
  const { answer, replayed } = await runIdempotent(
    claim,
    async () => {
      const value = await handle();
      return value instanceof AfterCommit ? value.map((later) => answerOf(endpoint, later)) : answerOf(endpoint, value);
    },
    (refusal) => failureAnswer(refusal, requestId),
    carriesSecret(spec.returns[1]) ? (made) => seal(claim, made) : undefined,
  );
  if (!replayed) return respond(answer);
  const opened = isSealed(answer) ? unseal(claim, answer) : answer;
  return respond({ ...opened, headers: { ...opened.headers, "idempotent-replayed": "true" } });
}

const respond = ({ status, headers, body }: StoredAnswer) =>
  new Response(body === "" ? null : body, { status, headers });

function answerOf({ spec, path }: Endpoint, value: unknown): StoredAnswer {
  const [status, schema] = spec.returns;
  if (!schema) return { status, headers: {}, body: "" };
  if (config.VALIDATE_RESPONSES === "on") {
    const checked = schema.safeParse(value);
    if (!checked.success) throw new Error(`The answer of ${path} does not fit its schema: ${checked.error.message}`);
  }
  const body = toJson(value);
  const version = (value as { version?: unknown } | null)?.version;
  const tag = () => (spec.tag ? `-${spec.tag(value as never)}` : `.${digestOf(body)}`);
  const headers = {
    "content-type": "application/json",
    ...(typeof version === "number" ? { etag: `"${version}${tag()}"` } : {}),
  };
  return { status, headers, body };
}

/** The part of an ETag that stands for the rows inside, such as a product's variants, which no version of it counts. */
const digestOf = (body: string) => createHash("sha256").update(body).digest("base64url").slice(0, 22);

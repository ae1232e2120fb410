export * as ApiKey from "./api-key.js";

import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { allows, scopes as allScopes, type Scope, ScopeName } from "../kernel/access.js";
import { actor, tenantId } from "../kernel/actor.js";
import { Instant, toUtc } from "../kernel/clock.js";
import { db, read } from "../kernel/db.js";
import { conflict, forbidden, invalidField, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { listOf, pageQuery } from "../kernel/page.js";
import { name } from "../kernel/text.js";
import { createSecret, hashSecret } from "../kernel/token.js";
import { bump, requireVersion } from "../kernel/version.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { ApiKeyId, apiKeyTable, keyKinds } from "./identity.sql.js";

export { ApiKeyId } from "./identity.sql.js";

export const ApiKeyRecord = z
  .object({
    id: ApiKeyId,
    kind: z.enum(keyKinds),
    name: z.string(),
    hint: z.string().meta({ examples: ["sk_live_…x7Qa"] }),
    scopes: z.array(ScopeName),
    expiresAt: z.string().nullable(),
    revokedAt: z.string().nullable(),
    lastUsedAt: z.string().nullable().meta({ description: "Precise to the minute" }),
    version: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: "ApiKey" });

export const ApiKeyWithText = ApiKeyRecord.extend({
  key: z.string().meta({ description: "The key itself; only returned here" }),
}).meta({ id: "ApiKeyWithText" });

const Known = z.object({ keyId: ApiKeyId, kind: z.enum(keyKinds) });
const ApiKeyCreated = defineEvent("api_key.created", Known);
const ApiKeyRevoked = defineEvent("api_key.revoked", Known);
export const apiKeyEvents = [ApiKeyCreated, ApiKeyRevoked];

const view = {
  id: apiKeyTable.id,
  kind: apiKeyTable.kind,
  name: apiKeyTable.name,
  hint: apiKeyTable.hint,
  scopes: apiKeyTable.scopes,
  expiresAt: apiKeyTable.expiresAt,
  revokedAt: apiKeyTable.revokedAt,
  lastUsedAt: apiKeyTable.lastUsedAt,
  version: apiKeyTable.version,
  createdAt: apiKeyTable.createdAt,
};

/** A scope whose module was removed gives no right, so it is not shown. */
const withKnownScopes = <Row extends { scopes: string[] }>(row: Row): Row => ({
  ...row,
  scopes: row.scopes.filter((name) => allScopes.find(name)),
});

const ApiKeyPage = pageQuery({ kind: z.enum(keyKinds).optional() });
export const ApiKeyList = listOf(ApiKeyRecord);

/** Lists the keys, the newest first, without their texts. */
export const list = fn(ApiKeyPage, (page) =>
  listById(
    {
      name: "api-keys",
      id: apiKeyTable.id,
      order: "desc",
      where: page.kind ? eq(apiKeyTable.kind, page.kind) : undefined,
    },
    page,
    (q) => q.select(view).from(apiKeyTable).$dynamic(),
    withKnownScopes,
  ),
);

export const get = fn(ApiKeyId, async (keyId) => {
  const [key] = await read((q) => q.select(view).from(apiKeyTable).where(eq(apiKeyTable.id, keyId)));
  if (!key) throw notFound("api_key");
  return withKnownScopes(key);
});

const NewApiKey = z.strictObject({
  kind: z.enum(keyKinds),
  name: name(100),
  scopes: z.array(ScopeName).max(100).optional().meta({
    description:
      "The scopes of a secret key. Default: those of the caller's scopes that only read, without `billing:read` and `keys:read`. Every scope that writes must be named",
  }),
  expiresAt: Instant.optional(),
});

/**
 * Refuses scopes that the caller does not hold: a key has no more rights than its creator.
 * @throws Failure forbidden
 */
function requireHeldScopes(names: readonly string[]): void {
  const missing = names.filter((name) => {
    const scope = allScopes.find(name);
    return !scope || !allows(actor(), scope);
  });
  if (missing.length > 0)
    throw forbidden("scope_not_held", `Your credential lacks these scopes: ${missing.join(", ")}.`);
}

/** A key has a scope that its creation does not name: it only reads, and only the shop. */
const isGivenUnasked = ({ name, onRequestOnly }: Scope) => name.endsWith(":read") && !onRequestOnly;

/**
 * Refuses to end, rename or replace a key that the caller could not have created, other than its own. A publishable key
 * has no scopes; it is a setting of the shop.
 * @throws Failure forbidden
 */
function requireMayChange(key: { id: string; kind: (typeof keyKinds)[number]; scopes: readonly string[] }): void {
  const caller = actor();
  if (caller.type === "key" && caller.keyId === key.id) return;
  requireHeldScopes(key.kind === "publishable" && caller.type === "key" ? ["settings:write"] : key.scopes);
}

/** @throws Failure forbidden for a right that the caller does not hold */
export const create = fn(NewApiKey, ({ kind, name, scopes, expiresAt }) =>
  db(async (tx) => {
    if (kind === "publishable" && scopes && scopes.length > 0)
      throw invalidField("/scopes", "must be empty for a publishable key");
    const own = allScopes.all().filter((scope) => allows(actor(), scope) && isGivenUnasked(scope));
    const given = kind === "publishable" ? [] : [...new Set(scopes ?? own.map((scope) => scope.name))];
    requireHeldScopes(given);
    return insertKey(tx, { kind, name, scopes: given, expiresAt: expiresAt ? toUtc(expiresAt) : null });
  }),
);

type NewKey = Pick<typeof apiKeyTable.$inferSelect, "kind" | "name" | "expiresAt"> & { scopes: string[] };

async function insertKey(tx: Tx, key: NewKey) {
  const [tenant] = await tx.select({ livemode: tenantTableRoot.livemode }).from(tenantTableRoot);
  const prefix = `${key.kind === "secret" ? "sk" : "pk"}_${tenant?.livemode ? "live" : "test"}`;
  const text = createSecret(prefix, tenantId());
  const hint = `${prefix}_…${text.slice(-4)}`;
  const future = sql<boolean>`coalesce(${apiKeyTable.expiresAt} > now(), true)`;
  const [row] = await tx
    .insert(apiKeyTable)
    .values({ id: ApiKeyId.create(), hash: hashSecret(text), hint, ...key })
    .returning({ ...view, future });
  if (!row?.future) throw invalidField("/expiresAt", "must be in the future");
  emit(ApiKeyCreated, { keyId: row.id, kind: row.kind });
  const { future: _, ...made } = row;
  return { ...made, key: text };
}

const version = z.int().optional();
/** Not revoked and not expired. */
export const isUsable = and(
  isNull(apiKeyTable.revokedAt),
  or(isNull(apiKeyTable.expiresAt), gt(apiKeyTable.expiresAt, sql`now()`)),
);

/** Locks a key for a change, and reads whether it was revoked or has expired. @throws Failure not_found or stale */
async function lockKey(tx: Tx, keyId: string, seen: number | undefined) {
  const over = sql<boolean>`not (${isUsable})`;
  const [key] = await tx
    .select({ ...view, over })
    .from(apiKeyTable)
    .where(eq(apiKeyTable.id, keyId))
    .for("no key update");
  if (!key) throw notFound("api_key");
  requireVersion("key", key, seen);
  return withKnownScopes(key);
}

export const ApiKeyChange = z.strictObject({ name: NewApiKey.shape.name });

export const update = fn(ApiKeyChange.extend({ id: ApiKeyId, version }), ({ id: keyId, version: seen, name }) =>
  db(async (tx) => {
    requireMayChange(await lockKey(tx, keyId, seen));
    const [key] = await tx
      .update(apiKeyTable)
      .set({ name, version: bump(apiKeyTable) })
      .where(eq(apiKeyTable.id, keyId))
      .returning(view);
    if (!key) throw notFound("api_key");
    return withKnownScopes(key);
  }),
);

export const RollRequest = z.strictObject({
  overlap: z.int().min(0).max(604_800).default(0).meta({ description: "Seconds for which the old key remains valid" }),
});

/**
 * Creates a key with the rights of an old one, which ends after the overlap.
 * @throws Failure conflict when the old one was revoked or has expired
 */
export const roll = fn(RollRequest.extend({ id: ApiKeyId, version }), ({ id: keyId, version: seen, overlap }) =>
  db(async (tx) => {
    const old = await lockKey(tx, keyId, seen);
    if (old.over) throw conflict("api_key.over", "The key was revoked or has expired. Create a new one.");
    requireMayChange(old);
    const end = sql`least(${apiKeyTable.expiresAt}, now() + make_interval(secs => ${overlap}))` as never;
    await tx
      .update(apiKeyTable)
      .set({ expiresAt: end, version: bump(apiKeyTable) })
      .where(eq(apiKeyTable.id, keyId));
    return insertKey(tx, { kind: old.kind, name: old.name, scopes: old.scopes, expiresAt: old.expiresAt });
  }),
);

/** Revokes a key at once; a second call changes nothing. */
export const revoke = fn(z.strictObject({ id: ApiKeyId, version }), ({ id: keyId, version: seen }) =>
  db(async (tx) => {
    const key = await lockKey(tx, keyId, seen);
    requireMayChange(key);
    if (key.revokedAt) return;
    await tx
      .update(apiKeyTable)
      .set({ revokedAt: sql`now()` as never, version: bump(apiKeyTable) })
      .where(eq(apiKeyTable.id, keyId));
    emit(ApiKeyRevoked, { keyId, kind: key.kind });
  }),
);

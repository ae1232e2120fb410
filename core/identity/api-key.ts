export * as ApiKey from "./api-key.js";

import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { scopes as allScopes, type Scope, ScopeName } from "../kernel/access.js";
import { actor, tenantId } from "../kernel/actor.js";
import { Instant, toUtc } from "../kernel/clock.js";
import { db, read } from "../kernel/db.js";
import { conflict, invalidField, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { listOf, pageQuery } from "../kernel/page.js";
import { name } from "../kernel/text.js";
import { createSecret, hashSecret } from "../kernel/token.js";
import { bump, requireVersion } from "../kernel/version.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { ApiKeyId, apiKeyTable, keyKinds, MemberId } from "./identity.sql.js";
import { ApiKeyRevoked, endDescendants, KnownKey, revokeKeys } from "./key-revocation.js";
import { lockMaker, type Maker, requireHeldScopes } from "./rights.js";
import { isUsable } from "./validity.js";

export { ApiKeyId } from "./identity.sql.js";

export const ApiKeyRecord = z
  .object({
    id: ApiKeyId,
    kind: z.enum(keyKinds),
    name: z.string(),
    hint: z.string().meta({ examples: ["sk_live_…x7Qa"] }),
    scopes: z.array(ScopeName),
    createdBy: MemberId.nullable().meta({ description: "The member who created the key, or whose key did" }),
    parentId: ApiKeyId.nullable().meta({ description: "The key that created this one, with which it ends" }),
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

const ApiKeyCreated = defineEvent("api_key.created", KnownKey);
export const apiKeyEvents = [ApiKeyCreated, ApiKeyRevoked];

const view = {
  id: apiKeyTable.id,
  kind: apiKeyTable.kind,
  name: apiKeyTable.name,
  hint: apiKeyTable.hint,
  scopes: apiKeyTable.scopes,
  createdBy: apiKeyTable.createdBy,
  parentId: apiKeyTable.parentId,
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

const ApiKeyPage = pageQuery({
  kind: z.enum(keyKinds).optional().describe("Keys of this kind only"),
  createdBy: MemberId.optional().describe("Keys that this member has created"),
  parentId: ApiKeyId.optional().describe("Keys that were created with this key"),
});
export const ApiKeyList = listOf(ApiKeyRecord);

/** Lists the keys, the newest first, without their texts. */
export const list = fn(ApiKeyPage, (page) =>
  listById(
    {
      name: "api-keys",
      id: apiKeyTable.id,
      order: "desc",
      where: and(
        page.kind === undefined ? undefined : eq(apiKeyTable.kind, page.kind),
        page.createdBy === undefined ? undefined : eq(apiKeyTable.createdBy, page.createdBy),
        page.parentId === undefined ? undefined : eq(apiKeyTable.parentId, page.parentId),
      ),
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
  kind: z.enum(keyKinds).describe("`publishable`: for a storefront in a browser. `secret`: for a server"),
  name: name(100).describe("The purpose, as the staff reads it: Warehouse"),
  scopes: z.array(ScopeName).max(100).optional().meta({
    description:
      "The scopes of a secret key. Default: those of the caller's scopes that only read, without `billing:read` and `keys:read`. Every scope that writes must be named",
  }),
  expiresAt: Instant.optional().meta({
    description: "Default and latest: the end of the key that creates it, if one does",
  }),
});

/** A key has a scope that its creation does not name: it only reads, and only the shop. */
const isGivenUnasked = ({ name, onRequestOnly }: Scope) => name.endsWith(":read") && !onRequestOnly;

/**
 * Refuses to end, rename or replace a key that the caller could not have created, other than its own. A publishable key
 * has no scopes; it is a setting of the shop.
 * @throws Failure forbidden
 */
function requireMayChange(
  maker: Maker,
  key: { id: string; kind: (typeof keyKinds)[number]; scopes: readonly string[] },
): void {
  const caller = actor();
  if (caller.type === "key" && caller.keyId === key.id) return;
  requireHeldScopes(maker, key.kind === "publishable" && caller.type === "key" ? ["settings:write"] : key.scopes);
}

/** Keys between a key and the member at the beginning. */
const MOST_ANCESTORS = 10;

/** @throws Failure forbidden for a right that the caller does not hold */
export const create = fn(NewApiKey, ({ kind, name, scopes, expiresAt }) =>
  db(async (tx) => {
    if (kind === "publishable" && scopes && scopes.length > 0)
      throw invalidField("/scopes", "must be empty for a publishable key");
    const maker = await lockMaker(tx);
    const own = allScopes.all().filter((scope) => maker.may(scope) && isGivenUnasked(scope));
    const given = kind === "publishable" ? [] : [...new Set(scopes ?? own.map((scope) => scope.name))];
    requireHeldScopes(maker, given);
    if (maker.ancestors.length > MOST_ANCESTORS)
      throw conflict("api_key.too_deep", "Too many keys have created one another. Create the key as a member.");
    const { createdBy, parentId, ancestors } = maker;
    const end = endOf(expiresAt === undefined ? null : toUtc(expiresAt), maker.expiresAt);
    const key = { kind, name, scopes: given, createdBy, parentId, ancestors: [...ancestors], expiresAt: end };
    return insertKey(tx, key);
  }),
);

/** @throws Failure invalid for an end after the one of the key that creates it */
function endOf(wanted: string | null, latest: string | null): string | null {
  if (wanted === null || latest === null) return wanted ?? latest;
  if (Date.parse(wanted) > Date.parse(latest))
    throw invalidField("/expiresAt", `must not be later than ${latest}, when the key that creates it ends`);
  return wanted;
}

type Lineage = "createdBy" | "parentId" | "ancestors";
type NewKey = Pick<typeof apiKeyTable.$inferSelect, "kind" | "name" | "scopes" | "expiresAt" | Lineage>;

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
/** Locks a key for a change, and reads whether it was revoked or has expired. @throws Failure not_found or stale */
async function lockKey(tx: Tx, keyId: string, seen: number | undefined) {
  const over = sql<boolean>`not (${isUsable})`;
  const [key] = await tx
    .select({ ...view, ancestors: apiKeyTable.ancestors, over })
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
    const maker = await lockMaker(tx, "no key update");
    requireMayChange(maker, await lockKey(tx, keyId, seen));
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
 * Creates a key with the rights of an old one, which ends after the overlap, and with it the keys that it has created.
 * @throws Failure conflict when the old one was revoked or has expired
 */
export const roll = fn(RollRequest.extend({ id: ApiKeyId, version }), ({ id: keyId, version: seen, overlap }) =>
  db(async (tx) => {
    const maker = await lockMaker(tx, "no key update");
    const old = await lockKey(tx, keyId, seen);
    if (old.over) throw conflict("api_key.over", "The key was revoked or has expired. Create a new one.");
    requireMayChange(maker, old);
    const end = sql`least(${apiKeyTable.expiresAt}, now() + make_interval(secs => ${overlap}))`;
    await tx
      .update(apiKeyTable)
      .set({ expiresAt: end as never, version: bump(apiKeyTable) })
      .where(eq(apiKeyTable.id, keyId));
    await endDescendants(tx, keyId, end);
    const { kind, name, scopes } = old;
    // A key that rolls itself stands where it stood; otherwise the caller answers for the new one.
    const { createdBy, parentId, ancestors } = maker.parentId === keyId ? old : maker;
    const expiresAt = maker.expiresAt === null ? old.expiresAt : earlierOf(old.expiresAt, maker.expiresAt);
    const key = { kind, name, scopes, createdBy, parentId, ancestors: [...ancestors], expiresAt };
    return insertKey(tx, key);
  }),
);

const earlierOf = (one: string | null, other: string): string =>
  one !== null && Date.parse(one) < Date.parse(other) ? one : other;

/** Revokes a key at once, and those that it has created; a second call changes nothing. */
export const revoke = fn(z.strictObject({ id: ApiKeyId, version }), ({ id: keyId, version: seen }) =>
  db(async (tx) => {
    const maker = await lockMaker(tx, "no key update");
    requireMayChange(maker, await lockKey(tx, keyId, seen));
    await revokeKeys(tx, eq(apiKeyTable.id, keyId));
  }),
);

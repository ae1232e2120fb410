export * as Member from "./member.js";

import { and, asc, eq, or, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { consumeEntitlement, releaseEntitlement } from "../entitlement/index.js";
import { actor } from "../kernel/actor.js";
import { db, read, verifyCredential } from "../kernel/db.js";
import { LoginEmail } from "../kernel/email.js";
import { conflict, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { defineJob, enqueue } from "../kernel/job/index.js";
import { listById } from "../kernel/list.js";
import { listOf, pageQuery } from "../kernel/page.js";
import { Role, roles } from "../kernel/role.js";
import { name } from "../kernel/text.js";
import { bump, requireVersion } from "../kernel/version.js";
import { ApiKeyId, apiKeyTable, MemberId, memberTable } from "./identity.sql.js";
import { keysOf, revokeKeys } from "./key-revocation.js";
import { memberMeter } from "./meter.js";
import { hashPassword, Password } from "./password.js";
import { refuseGuessable } from "./password-strength.js";
import { isMakerOf, lockLineage, lockMaker, type Maker, makerOfMember, requireHeldRights } from "./rights.js";
import { endSessions } from "./session-end.js";
import { isUsable } from "./validity.js";

export { MemberId } from "./identity.sql.js";

export const MemberName = name(200);

export const MemberRecord = z
  .object({
    id: MemberId,
    email: z.string(),
    name: z.string(),
    role: Role,
    status: z.enum(["active", "removed"]),
    version: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: "Member" });

const Known = z.object({ memberId: MemberId, role: Role });
const MemberCreated = defineEvent("member.created", Known);
const MemberRoleChanged = defineEvent("member.role_changed", Known);
const MemberRemoved = defineEvent("member.removed", z.object({ memberId: MemberId }));
const MemberPasswordChanged = defineEvent("member.password_changed", z.object({ memberId: MemberId }));

export { MemberPasswordChanged };
/** Brings the members of the twin in test mode up to date, after each change of a member in live mode. */
export const mirrorMembersJob = defineJob("member.mirror", z.object({}));
export const memberEvents = [MemberCreated, MemberRoleChanged, MemberRemoved, MemberPasswordChanged];

export const view = {
  id: memberTable.id,
  email: memberTable.email,
  name: memberTable.name,
  role: memberTable.role,
  status: memberTable.status,
  version: memberTable.version,
  createdAt: memberTable.createdAt,
};

const MemberPage = pageQuery({ role: z.enum(roles).optional().describe("Members with this role only") });
export const MemberList = listOf(MemberRecord);

export const list = fn(MemberPage, (page) =>
  listById(
    {
      name: "members",
      id: memberTable.id,
      order: "asc",
      where: and(eq(memberTable.status, "active"), page.role ? eq(memberTable.role, page.role) : undefined),
    },
    page,
    (q) => q.select(view).from(memberTable).$dynamic(),
  ),
);

const active = (memberId: string) => and(eq(memberTable.id, memberId), eq(memberTable.status, "active"));

export const get = fn(MemberId, async (memberId) => {
  const [member] = await read((q) => q.select(view).from(memberTable).where(active(memberId)));
  if (!member) throw notFound("member");
  return member;
});

const NewMember = z.strictObject({
  email: LoginEmail.describe("With which the member logs in"),
  name: MemberName.describe("As colleagues read it: Max Member"),
  role: Role,
  password: Password,
});

/**
 * Adds a member to the staff, or a removed one again, with a first password.
 * @throws Failure conflict when the email is a member's, forbidden when the plan allows no more
 */
export const create = fn(NewMember, async ({ password, ...given }) => {
  await verifyCredential(); // strangers cannot make the server rate and hash passwords
  await refuseGuessable(password, [given.email, given.name]);
  const passwordHash = await hashPassword(password);
  return db(async (tx) => {
    requireHeldRights(await lockMaker(tx), given.role);
    const sessionsValidAfter = sql`clock_timestamp()`; // the sessions of the former time stay over
    const back = { ...given, passwordHash, status: "active", sessionsValidAfter, version: bump(memberTable) } as const;
    const [member] = await tx
      .insert(memberTable)
      .values({ id: MemberId.create(), ...given, passwordHash })
      .onConflictDoUpdate({
        target: [memberTable.tenantId, memberTable.email],
        set: back,
        setWhere: eq(memberTable.status, "removed"),
      })
      .returning(view);
    if (!member)
      throw conflict("member.email_taken", `The tenant already has a member with the email "${given.email}".`);
    await consumeEntitlement(memberMeter);
    emit(MemberCreated, { memberId: member.id, role: member.role });
    enqueue(mirrorMembersJob, {});
    return member;
  });
});

/**
 * Locks a member, all owners and the caller, or the maker of the calling key, for a change: in one statement, in the order
 * of their ids. Of parallel changes each sees the result of the one before, and no deadlock arises.
 * @param version the version that the caller has read
 * @throws Failure not_found, stale, or unauthenticated for a caller who was removed meanwhile
 */
export async function lockMember(tx: Tx, memberId: string, version?: number) {
  const caller = actor();
  const callerId = caller.type === "member" ? caller.memberId : undefined;
  const isMaker = caller.type === "key" ? isMakerOf(tx, caller.keyId) : eq(memberTable.id, callerId ?? memberId);
  const [rows, maker] = await Promise.all([
    tx
      .select(view)
      .from(memberTable)
      .where(
        and(eq(memberTable.status, "active"), or(eq(memberTable.role, "OWNER"), eq(memberTable.id, memberId), isMaker)),
      )
      .orderBy(asc(memberTable.id))
      .for("no key update"),
    caller.type === "key" ? lockLineage(tx, caller.keyId, "share") : undefined,
  ]);
  const member = rows.find((row) => row.id === memberId);
  const rights: Maker = maker ?? makerOfMember(rows.find((row) => row.id === callerId));
  if (!member) throw notFound("member");
  requireVersion("member", member, version);
  const others = rows.filter((row) => row.role === "OWNER" && row.id !== memberId);
  return { member, rights, isLastOwner: member.role === "OWNER" && others.length === 0 };
}

const lastOwnerFailure = () =>
  conflict("member.last_owner", "The member is the tenant's last OWNER. Give another member that role first.");

const revokeKeysField = z.boolean().default(true);
export const MemberChange = z.strictObject({
  name: MemberName.optional().describe("As colleagues read it"),
  role: Role.optional(),
  revokeKeys: revokeKeysField.meta({
    description: "Revoke the secret keys that the member has created and that hold more than the new role",
  }),
});

/** @throws Failure conflict for the last owner */
export const update = fn(MemberChange.extend({ id: MemberId, version: z.int().optional() }), (input) =>
  db(async (tx) => {
    const { member, rights, isLastOwner } = await lockMember(tx, input.id, input.version);
    const { name = member.name, role = member.role } = input;
    requireHeldRights(rights, member.role);
    requireHeldRights(rights, role);
    if (isLastOwner && role !== "OWNER") throw lastOwnerFailure();
    const [changed] = await tx
      .update(memberTable)
      .set({ name, role, version: bump(memberTable) })
      .where(eq(memberTable.id, member.id))
      .returning(view);
    if (!changed) throw notFound("member");
    enqueue(mirrorMembersJob, {});
    if (role === member.role) return changed;
    emit(MemberRoleChanged, { memberId: member.id, role });
    if (input.revokeKeys) await revokeKeys(tx, keysOf(member.id, role));
    return changed;
  }),
);

export const MemberRemoval = z.strictObject({
  revokeKeys: z.enum(["true", "false"]).default("true").meta({
    description: "Revoke the secret keys that the member has created, and those that these keys have created",
  }),
});

export const RemovedMember = z
  .object({
    id: MemberId,
    revokedKeys: z.array(ApiKeyId).meta({ description: "The keys that were revoked" }),
    keptKeys: z.array(ApiKeyId).meta({
      description:
        "The keys that the member has created and that remain valid: publishable keys, and all with `revokeKeys=false`",
    }),
  })
  .meta({ id: "RemovedMember" });

/** Takes a member off the staff and ends all their sessions at once. @throws Failure conflict for the last owner */
export const remove = fn(MemberRemoval.extend({ id: MemberId, version: z.int().optional() }), (input) =>
  db(async (tx) => {
    const { member, rights, isLastOwner } = await lockMember(tx, input.id, input.version);
    requireHeldRights(rights, member.role);
    if (isLastOwner) throw lastOwnerFailure();
    return end(tx, member.id, input.revokeKeys === "true");
  }),
);

/** Ends a member's place on the staff, with sessions and keys; its row is locked. */
async function end(tx: Tx, memberId: string, withKeys: boolean) {
  await tx
    .update(memberTable)
    .set({ status: "removed", sessionsValidAfter: sql`clock_timestamp()` as never, version: bump(memberTable) })
    .where(eq(memberTable.id, memberId));
  await endSessions(tx, memberId, "removal");
  const revokedKeys = withKeys ? await revokeKeys(tx, keysOf(memberId)) : [];
  const kept = await tx
    .select({ id: apiKeyTable.id })
    .from(apiKeyTable)
    .where(and(eq(apiKeyTable.createdBy, memberId), isUsable))
    .orderBy(asc(apiKeyTable.id));
  await releaseEntitlement(memberMeter);
  emit(MemberRemoved, { memberId });
  enqueue(mirrorMembersJob, {});
  return { id: memberId, revokedKeys, keptKeys: kept.map(({ id }) => id) };
}

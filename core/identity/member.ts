export * as Member from "./member.js";

import { and, asc, eq, isNull, or, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { consumeEntitlement, releaseEntitlement } from "../entitlement/index.js";
import { allows, scopesOf } from "../kernel/access.js";
import { actor } from "../kernel/actor.js";
import { db, read, verifyCredential } from "../kernel/db.js";
import { LoginEmail } from "../kernel/email.js";
import { conflict, forbidden, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { listOf, pageQuery } from "../kernel/page.js";
import { Role, roles } from "../kernel/role.js";
import { name } from "../kernel/text.js";
import { bump, requireVersion } from "../kernel/version.js";
import { MemberId, memberTable, sessionTable } from "./identity.sql.js";
import { memberMeter } from "./meter.js";
import { hashPassword, Password } from "./password.js";
import { refuseGuessable } from "./password-strength.js";

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
export const memberEvents = [MemberCreated, MemberRoleChanged, MemberRemoved];

export const view = {
  id: memberTable.id,
  email: memberTable.email,
  name: memberTable.name,
  role: memberTable.role,
  status: memberTable.status,
  version: memberTable.version,
  createdAt: memberTable.createdAt,
};

const MemberPage = pageQuery({ role: z.enum(roles).optional() });
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

/** Refuses to give or take a role that has more rights than the caller. @throws Failure forbidden */
function requireHeldRights(role: Role): void {
  if (!scopesOf(role).every((scope) => allows(actor(), scope)))
    throw forbidden(
      "role_not_held",
      `Your credential lacks the rights of the role ${role}, so it cannot give or take that role.`,
    );
}

const NewMember = z.strictObject({ email: LoginEmail, name: MemberName, role: Role, password: Password });

/**
 * Adds a member to the staff, or a removed one again, with a first password.
 * @throws Failure conflict when the email is a member's, forbidden when the plan allows no more
 */
export const create = fn(NewMember, async ({ password, ...given }) => {
  await verifyCredential(); // strangers cannot make the server rate and hash passwords
  await refuseGuessable(password, [given.email, given.name]);
  const passwordHash = await hashPassword(password);
  return db(async (tx) => {
    requireHeldRights(given.role);
    const back = { ...given, passwordHash, status: "active", version: bump(memberTable) } as const;
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
    return member;
  });
});

/**
 * Locks a member and all owners for a change, in the order of their ids: of parallel changes each sees the result of
 * the one before, and no deadlock arises.
 * @param version the version that the caller has read
 * @throws Failure not_found or stale
 */
async function lockMember(tx: Tx, memberId: string, version?: number) {
  const rows = await tx
    .select(view)
    .from(memberTable)
    .where(and(eq(memberTable.status, "active"), or(eq(memberTable.role, "OWNER"), eq(memberTable.id, memberId))))
    .orderBy(asc(memberTable.id))
    .for("no key update");
  const member = rows.find((row) => row.id === memberId);
  if (!member) throw notFound("member");
  requireVersion("member", member, version);
  const others = rows.filter((row) => row.role === "OWNER" && row.id !== memberId);
  return { member, isLastOwner: member.role === "OWNER" && others.length === 0 };
}

const lastOwnerFailure = () =>
  conflict("member.last_owner", "The member is the tenant's last OWNER. Give another member that role first.");

export const MemberChange = z.strictObject({ name: MemberName.optional(), role: Role.optional() });

/** @throws Failure conflict for the last owner */
export const update = fn(MemberChange.extend({ id: MemberId, version: z.int().optional() }), (input) =>
  db(async (tx) => {
    const { member, isLastOwner } = await lockMember(tx, input.id, input.version);
    const { name = member.name, role = member.role } = input;
    requireHeldRights(member.role);
    requireHeldRights(role);
    if (isLastOwner && role !== "OWNER") throw lastOwnerFailure();
    const [changed] = await tx
      .update(memberTable)
      .set({ name, role, version: bump(memberTable) })
      .where(eq(memberTable.id, member.id))
      .returning(view);
    if (!changed) throw notFound("member");
    if (role !== member.role) emit(MemberRoleChanged, { memberId: member.id, role });
    return changed;
  }),
);

/** Takes a member off the staff and ends all their sessions at once. @throws Failure conflict for the last owner */
export const remove = fn(z.strictObject({ id: MemberId, version: z.int().optional() }), (input) =>
  db(async (tx) => {
    const { member, isLastOwner } = await lockMember(tx, input.id, input.version);
    requireHeldRights(member.role);
    if (isLastOwner) throw lastOwnerFailure();
    await tx
      .update(memberTable)
      .set({ status: "removed", version: bump(memberTable) })
      .where(eq(memberTable.id, member.id));
    await tx
      .update(sessionTable)
      .set({ revokedAt: sql`now()` as never, revokedFor: "removal" })
      .where(and(eq(sessionTable.memberId, member.id), isNull(sessionTable.revokedAt)));
    await releaseEntitlement(memberMeter);
    emit(MemberRemoved, { memberId: member.id });
  }),
);

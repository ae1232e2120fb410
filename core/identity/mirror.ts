import { asc, eq, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { consumeEntitlement, releaseEntitlement } from "../entitlement/index.js";
import { runAs } from "../kernel/actor.js";
import { db, read } from "../kernel/db.js";
import { insertRows } from "../kernel/rows.js";
import { bump } from "../kernel/version.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { MemberId, memberTable } from "./identity.sql.js";
import { keysOf, revokeKeys } from "./key-revocation.js";
import { memberMeter } from "./meter.js";
import { endSessions } from "./session-end.js";

type Row = typeof memberTable.$inferSelect;

/**
 * Copies the live tenant's members to its twin in test mode, so that both have the same members and roles.
 * Members of the twin alone are left alone. It may run late, twice or in any order: a copy knows the version of what it
 * copies, and an older one changes nothing.
 */
export async function mirrorMembers(): Promise<void> {
  const [[live], members] = await read(
    (q) => [q.select().from(tenantTableRoot), q.select().from(memberTable).orderBy(asc(memberTable.id))] as const,
  );
  if (!live?.livemode || !live.twinId) return;
  await runAs({ type: "system", tenantId: live.twinId }, () =>
    db(async (tx) => {
      const [twin] = await tx.select({ id: tenantTableRoot.tenantId }).from(tenantTableRoot);
      if (twin) await copyMembers(tx, members);
    }),
  );
}

async function copyMembers(tx: Tx, members: readonly Row[]): Promise<void> {
  const existing = await tx.select().from(memberTable).orderBy(asc(memberTable.id)).for("no key update");
  const byEmail = new Map(existing.map((row) => [row.email, row]));
  const changed = members.filter(({ email, version, status }) => {
    const copy = byEmail.get(email);
    return copy ? version > (copy.mirroredVersion ?? 0) : status === "active";
  });
  // Those who stay come before those who go, so that the twin is never without an owner.
  for (const member of changed.toSorted((one, other) => one.status.localeCompare(other.status)))
    await copyMember(tx, member, byEmail.get(member.email));
}

async function copyMember(tx: Tx, member: Row, copy: Row | undefined): Promise<void> {
  const { email, name, role, status, passwordHash, version: mirroredVersion } = member;
  if (!copy) {
    const row = { id: MemberId.create(), email, name, role, status, passwordHash, mirroredVersion };
    const made = await insertRows(tx, memberTable, [row])
      .onConflictDoNothing({ target: [memberTable.tenantId, memberTable.email] })
      .returning({ id: memberTable.id });
    if (made.length > 0) await consumeEntitlement(memberMeter);
    return;
  }
  const isOver = status === "removed" && copy.status === "active";
  const isBack = status === "active" && copy.status === "removed";
  const sessionsValidAfter = isOver || isBack ? (sql`clock_timestamp()` as never) : copy.sessionsValidAfter;
  await tx
    .update(memberTable)
    .set({ name, role, status, passwordHash, mirroredVersion, sessionsValidAfter, version: bump(memberTable) })
    .where(eq(memberTable.id, copy.id));
  if (isOver) await endSessions(tx, copy.id, "removal");
  else if (passwordHash !== copy.passwordHash) await endSessions(tx, copy.id, "password");
  if (isOver) await revokeKeys(tx, keysOf(copy.id));
  else if (role !== copy.role) await revokeKeys(tx, keysOf(copy.id, role));
  if (isOver) await releaseEntitlement(memberMeter);
  if (isBack) await consumeEntitlement(memberMeter);
}

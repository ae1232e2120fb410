import { eq } from "drizzle-orm";
import * as z from "zod";
import { MemberId, memberTable } from "../identity/identity.sql.js";
import {
  hashPassword,
  LoginEmail,
  MemberName,
  MemberRecord,
  mirrorMembers,
  Password,
  refuseGuessable,
  Session,
} from "../identity/index.js";
import { runAs } from "../kernel/actor.js";
import { Country } from "../kernel/country.js";
import { db, read } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { defineJob, enqueue } from "../kernel/job/index.js";
import { Currency } from "../kernel/money.js";
import { TenantName, TenantRecord, TenantSlug } from "../tenant/index.js";
import { TenantId, tenantTableRoot } from "../tenant/tenant.sql.js";
import { provision } from "./provision.js";

export { TenantPatch, updateTenant } from "./relocation.js";

const Signup = z.strictObject({
  tenant: z
    .strictObject({ name: TenantName, slug: TenantSlug, currency: Currency, country: Country })
    .describe("The shop to open"),
  email: LoginEmail.describe("Of the owner, who logs in with it"),
  password: Password,
  name: MemberName.describe("The owner's name: Olga Owner"),
});

export const SignedUp = Session.Tokens.extend({ tenant: TenantRecord, member: MemberRecord }).meta({ id: "SignedUp" });

export const provisionTestTenantJob = defineJob("tenant.open-test", z.object({ memberId: MemberId }));

/** Opens the twin for test mode: same defaults, same owner, no shared data. A second run changes nothing. */
export async function provisionTestTenant({ memberId }: { memberId: string }): Promise<void> {
  const [[live], [owner]] = await read(
    (q) =>
      [q.select().from(tenantTableRoot), q.select().from(memberTable).where(eq(memberTable.id, memberId))] as const,
  );
  if (!live?.twinId || !owner) throw notFound("tenant");
  const tenant = {
    tenantId: live.twinId,
    slug: `${live.slug}-test`,
    name: live.name,
    livemode: false,
    twinId: live.tenantId,
    currency: Currency.parse(live.currency),
    country: live.country,
  };
  const { email, name, passwordHash } = owner;
  await runAs({ type: "system", tenantId: tenant.tenantId }, () =>
    db((tx) => provision(tx, { tenant, owner: { email, name, passwordHash } })),
  );
  await mirrorMembers(); // whoever has joined or left before the twin was there
}

/**
 * Opens a tenant in live mode with its owner and the defaults for a first sale; a job opens its twin for test mode.
 * @throws Failure conflict when the slug is taken
 */
export const signUp = fn(Signup, async ({ tenant, email, password, name }) => {
  await refuseGuessable(password, [email, name, tenant.name, tenant.slug]);
  const owner = { email, name, passwordHash: await hashPassword(password) };
  const tenantId = TenantId.create();
  return runAs({ type: "system", tenantId }, async () => {
    const made = await db(async (tx) => {
      const opened = await provision(tx, {
        tenant: { ...tenant, tenantId, livemode: true, twinId: TenantId.create() },
        owner,
      });
      if (!opened) throw conflict("tenant.slug_taken", `The slug "${tenant.slug}" is in use.`);
      enqueue(provisionTestTenantJob, { memberId: opened.member.id }, { key: "test" });
      return { ...opened, session: await Session.start(tx, opened.member.id) };
    });
    return { tenant: made.tenant, member: made.member, ...(await Session.issueTokens(made.session)) };
  });
});

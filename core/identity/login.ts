import { and, eq, exists, not, sql } from "drizzle-orm";
import * as z from "zod";
import { addToContext, context, runAs } from "../kernel/actor.js";
import { db, queryPlatform, read } from "../kernel/db.js";
import { LoginEmail } from "../kernel/email.js";
import { unauthenticated } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { hashSecret } from "../kernel/token.js";
import {
  accountKey,
  addressKey,
  allGranted,
  type FixedBucket,
  mostLimited,
  refuseLimited,
  statesOf,
  takeTokens,
} from "../rate/index.js";
import { findTenantCall, requireSameTenant, toFoundTenant } from "../tenant/index.js";
import { memberTable, sessionTable } from "./identity.sql.js";
import { TriedPassword, verifyPassword } from "./password.js";
import { Session } from "./session.js";

/** The tenant of the context when the named one is unknown: the nil UUID, which no tenant has. */
const NO_TENANT = "ten_00000000000000000000000000";

export const Login = z.strictObject({
  tenant: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "The tenant's slug or id; `x-tenant-id` or `?tenant=` can name it instead" }),
  email: LoginEmail.describe("Of the member"),
  password: TriedPassword,
});

/**
 * Begins a session by email and password. A refusal does not tell its reason: an unknown tenant, an unknown member, a
 * wrong password and a removed member take the same steps and get the same answer.
 * @throws Failure unauthenticated or limited
 */
export const login = fn(
  z.object({ tenants: z.array(z.string()).min(1), email: LoginEmail, password: TriedPassword }),
  async ({ tenants: [name = "", ...others], email, password }) => {
    const [tenantRows] = await queryPlatform(findTenantCall(name));
    const tenant = toFoundTenant(tenantRows);
    requireSameTenant(tenant, [...(tenant ? [] : [name]), ...others]);
    addToContext({ claim: { tenantId: tenant?.id, account: accountKey(email) } });
    return runAs({ type: "system", tenantId: tenant?.id ?? NO_TENANT }, async () => {
      const buckets = loginBuckets(email, addressKey(context().address ?? ""));
      const member = await takeLoginTokens(email, buckets);
      const fits = await verifyPassword(member?.passwordHash, password);
      if (!fits || member?.status !== "active") throw loginFailed();
      const opened = await db(async (tx) => {
        const session = await Session.startFor(tx, member);
        if (!session) return undefined;
        await takeTokens(tx, [buckets.address, buckets.pair], undefined, -1); // in the order in which they were taken
        await takeTokens(tx, [buckets.account], undefined, -1);
        return session;
      });
      if (!opened) throw loginFailed();
      return Session.issueTokens(opened);
    });
  },
);

const loginFailed = () => unauthenticated("login_failed", "The tenant, the email or the password is wrong.");

/** Buckets of one tenant by account. */
const ACCOUNT_CELLS = 1_024;

interface LoginBuckets {
  from: string;
  address: FixedBucket;
  pair: FixedBucket;
  account: FixedBucket;
}

/**
 * The buckets of a guess: the address, the pair of address and account, and the account, unless its member has logged
 * in from that address before.
 */
function loginBuckets(email: string, from: string): LoginBuckets {
  // A client can invent any number of accounts, so that all accounts share a fixed number of buckets.
  const account = String(Number.parseInt(hashSecret(email).slice(0, 8), 16) % ACCOUNT_CELLS);
  return {
    from,
    address: { policy: "login-address", key: from },
    pair: { policy: "login-pair", key: `${from}/${account}` },
    account: { policy: "login-account", key: account },
  };
}

/**
 * Reads the member and takes the tokens of a guess, one bucket after the other: a refused guess makes no row for those
 * that follow.
 * @throws Failure limited when no guess is left
 */
async function takeLoginTokens(email: string, { from, address, pair, account }: LoginBuckets) {
  const [members, ...taken] = await read((q) => {
    const seenHere = q
      .select({ one: sql`1` })
      .from(sessionTable)
      .innerJoin(memberTable, eq(memberTable.id, sessionTable.memberId))
      .where(and(eq(memberTable.email, email), eq(sessionTable.addressKey, from)));
    const { id, passwordHash, status } = memberTable;
    return [
      q.select({ id, passwordHash, status }).from(memberTable).where(eq(memberTable.email, email)),
      takeTokens(q, [address]),
      takeTokens(q, [pair], allGranted(q, [address])),
      takeTokens(q, [account], sql`${not(exists(seenHere))} and ${allGranted(q, [address, pair])}`),
    ] as const;
  });
  refuseLimited(mostLimited(statesOf(taken.flat())));
  return members[0];
}

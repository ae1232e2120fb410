export * as Loyalty from "./index.js";

import { and, eq, gte, inArray, lte, sql } from "drizzle-orm";
import * as z from "zod";
import { consumeEntitlement, defineMeter } from "../../core/entitlement/index.js";
import { Instant, toUtc } from "../../core/kernel/clock.js";
import { db, read } from "../../core/kernel/db.js";
import { Email } from "../../core/kernel/email.js";
import { conflict, notFound } from "../../core/kernel/error.js";
import { defineEvent, emit } from "../../core/kernel/event/index.js";
import { fn } from "../../core/kernel/fn.js";
import { defineJob } from "../../core/kernel/job/index.js";
import { html } from "../../core/kernel/mail/html.js";
import { Mail } from "../../core/kernel/mail/index.js";
import { Amount, Currency, type Money } from "../../core/kernel/money.js";
import { type Entry, Ledger, type LedgerAccount } from "../../core/ledger/index.js";
import type { Tx } from "../../drizzle/tenant.js";
import { LoyaltyAccountId, LoyaltyEntryId, loyaltyAccountTable, loyaltyEntryTable } from "./loyalty.sql.js";

export const LoyaltyAccount = z
  .object({
    id: LoyaltyAccountId,
    email: z.string(),
    currency: Currency,
    points: z.int(),
    expiresAt: z.string().nullable(),
  })
  .meta({ id: "LoyaltyAccount", description: "The points of one customer." });

const NewLoyaltyAccount = z.strictObject({ email: Email, currency: Currency });
export const Award = z.strictObject({ points: Amount.min(1), expiresAt: Instant });

const about = { accountId: LoyaltyAccountId, entryId: LoyaltyEntryId, points: z.int() };
export const PointsAwarded = defineEvent("loyalty.points_awarded", z.object({ ...about, currency: Currency }));
type Awarded = z.output<typeof PointsAwarded.schema>;

export const awardMailJob = defineJob("loyalty.award-mail", z.object(about));

export const loyaltyLedgerKinds = ["loyalty.awarded", "loyalty.expired"] as const;
export const loyaltyLedgerAccounts: readonly LedgerAccount[] = [
  { code: "loyalty_breakage", name: "Points that expired unspent", side: "credit" },
];

/** The trial has the limits of `growth`. */
export const loyaltyAccountMeter = defineMeter({
  name: "loyaltyAccounts",
  limits: { starter: 1, growth: 2, scale: null },
  count: (q) => q.select({ count: sql`count(*)` }).from(loyaltyAccountTable),
});

const view = {
  id: loyaltyAccountTable.id,
  email: loyaltyAccountTable.email,
  currency: loyaltyAccountTable.currency,
  points: loyaltyAccountTable.points,
  expiresAt: loyaltyAccountTable.expiresAt,
};

/** @throws Failure conflict, or forbidden when the plan allows no more */
export const create = fn(NewLoyaltyAccount, (input) =>
  db(async (tx) => {
    const [account] = await tx
      .insert(loyaltyAccountTable)
      .values({ id: LoyaltyAccountId.create(), ...input })
      .onConflictDoNothing({ target: [loyaltyAccountTable.tenantId, loyaltyAccountTable.email] })
      .returning(view);
    if (!account) throw conflict("loyalty_account.email_taken", "Another loyalty account has this email.");
    await consumeEntitlement(loyaltyAccountMeter);
    return account;
  }),
);

/** @throws Failure not_found */
export const get = fn(LoyaltyAccountId, async (accountId) => {
  const [account] = await read((q) =>
    q.select(view).from(loyaltyAccountTable).where(eq(loyaltyAccountTable.id, accountId)),
  );
  if (!account) throw notFound("loyalty_account");
  return account;
});

/** Awards points; all points of the account expire with them. @throws Failure not_found */
export const award = fn(Award.extend({ accountId: LoyaltyAccountId }), ({ accountId, points, expiresAt }) =>
  db(async (tx) => {
    const moved = await movePoints(tx, { accountId, points, kind: "award" }, { expiresAt: toUtc(expiresAt) });
    if (!moved) throw notFound("loyalty_account");
    const { entryId, account } = moved;
    emit(PointsAwarded, { accountId, entryId, points, currency: account.currency });
    return account;
  }),
);

type NewEntry = Omit<typeof loyaltyEntryTable.$inferInsert, "id">;
type Change = Partial<typeof loyaltyAccountTable.$inferInsert>;

/** Adds or takes points, with the entry that says why. @returns undefined when account or points are not there */
export async function movePoints(tx: Tx, entry: NewEntry, change: Change = {}) {
  const { accountId, points } = entry;
  const [account] = await tx
    .update(loyaltyAccountTable)
    .set({ ...change, points: sql`${loyaltyAccountTable.points} + ${points}` })
    .where(and(eq(loyaltyAccountTable.id, accountId), gte(loyaltyAccountTable.points, -points)))
    .returning(view);
  if (!account) return undefined;
  const entryId = LoyaltyEntryId.create();
  await tx.insert(loyaltyEntryTable).values({ id: entryId, ...entry });
  return { account, entryId };
}

const move = ({ amount, currency }: Money, from: string, to: string): Entry[] => [
  { account: to, amount, currency },
  { account: from, amount: -amount, currency },
];

/** The value of points is no sale before they are spent (IFRS 15); a payment with points takes it back. */
export const recordAward = ({ entryId, points, currency }: Awarded) =>
  Ledger.record("loyalty.awarded", entryId, move({ amount: points, currency }, "processor:loyalty", "sales"));

/** The value of points that expire unspent is revenue of its own (IFRS 15: breakage). */
const recordExpiry = (entryId: string, value: Money) =>
  Ledger.record("loyalty.expired", entryId, move(value, "loyalty_breakage", "processor:loyalty"));

/** Tells the customer. The mail carries the id of its job, so that a second one is known as such. */
export async function sendAwardMail({ accountId, points }: { accountId: string; points: number }, job: { id: string }) {
  const { email: to } = await get(accountId);
  const text = `You have ${points} new points.`;
  await Mail.send({ id: job.id, to, subject: "New points", text, html: html`<p>${text}</p>`.toString() });
}

/** Accounts in one run of the sweep; the next run goes on. */
const SLICE = 100;

/** Takes points that are past their time. @returns how many accounts had any */
export const expire = () =>
  db(async (tx) => {
    const due = await tx
      .select(view)
      .from(loyaltyAccountTable)
      .where(lte(loyaltyAccountTable.expiresAt, sql`now()`))
      .limit(SLICE)
      .for("update", { skipLocked: true });
    if (due.length === 0) return 0;
    const ids = due.map(({ id }) => id);
    const held = due.filter(({ points }) => points > 0);
    for (const { id: accountId, points, currency } of held) {
      const moved = await movePoints(tx, { accountId, points: -points, kind: "expiry" });
      if (moved) await recordExpiry(moved.entryId, { amount: points, currency });
    }
    await tx.update(loyaltyAccountTable).set({ expiresAt: null }).where(inArray(loyaltyAccountTable.id, ids));
    return held.length;
  });

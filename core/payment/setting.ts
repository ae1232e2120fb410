import { and, eq, ne, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { cartTable } from "../cart/cart.sql.js";
import { ChannelId, channelTable } from "../channel/channel.sql.js";
import { db, read } from "../kernel/db.js";
import { invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { anyOf } from "../kernel/rows.js";
import { bump, staleVersion } from "../kernel/version.js";
import { paymentAccountTable } from "../payment-account/payment-account.sql.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { awaitsStaff, DEFAULT_HOLD_HOURS, offeredMethods } from "./payment-method.js";
import { type OfferedMethod, paymentSettingTable, unpaidDefaults, unpaidLimits } from "./payment-method.sql.js";
import { paymentProviders, providerOf } from "./provider.js";

/** Built when it is first used, because modules bring the providers. */
const ProviderName = z.lazy(() => z.enum(paymentProviders.all().map(({ name }) => name)));

const OfferedMethodRecord = z
  .strictObject({
    provider: ProviderName.describe("`stripe` takes money by itself, `manual` is money by hand"),
    acceptance: z.enum(["staff", "automatic"]).optional().meta({
      description:
        "For money by hand. `staff`: an order is pending until the staff accepts it. `automatic`: it is placed at once. Default: `staff`",
    }),
    holdHours: z
      .int()
      .min(1)
      .max(168)
      .optional()
      .meta({
        description: `Hours for which the goods of an order wait for the staff. Default: ${DEFAULT_HOLD_HOURS}`,
      }),
  })
  .meta({ id: "OfferedMethod" });

const Methods = z
  .array(OfferedMethodRecord)
  .max(20)
  .superRefine((methods, { addIssue }) => {
    for (const [index, { provider, acceptance, holdHours }] of methods.entries()) {
      if (methods.findIndex((one) => one.provider === provider) !== index)
        addIssue({ code: "custom", path: [index, "provider"], message: "appears twice" });
      const option = acceptance ? "acceptance" : holdHours ? "holdHours" : undefined;
      if (option && !paymentProviders.find(provider)?.byHand)
        addIssue({ code: "custom", path: [index, option], message: "is for money by hand only" });
    }
  });

const limit = (most: number, fallback: number, description: string) =>
  z
    .int()
    .min(1)
    .max(most)
    .optional()
    .meta({ description: `${description}. Default: ${fallback}` });
const Limits = z.strictObject({
  perAddress: limit(100_000, unpaidDefaults.perAddress, "Unpaid orders of one client address"),
  perEmail: limit(100_000, unpaidDefaults.perEmail, "Unpaid orders for one e-mail address"),
  perTenant: limit(100_000, unpaidDefaults.perTenant, "Unpaid orders of the shop"),
  cartsPerAddress: limit(1_000_000, unpaidDefaults.cartsPerAddress, "Open carts of one client address"),
  cartsPerTenant: limit(
    100_000_000,
    unpaidDefaults.cartsPerTenant,
    "Open carts of all clients with a publishable key; beyond them abandoned carts give way to new ones",
  ),
  holdShare: limit(100, unpaidDefaults.holdShare, "Percent of a variant's stock that one client may hold unpaid"),
});

export const SettingChange = z
  .strictObject({
    methods: Methods.nullable().meta({ description: "The first is for shoppers who name none. null: the default" }),
    channels: z
      .array(
        z.strictObject({
          channelId: ChannelId.describe("A channel that offers other methods"),
          methods: Methods.describe("The methods that it offers; the first is for shoppers who name none"),
        }),
      )
      .max(100)
      .default([])
      .describe("Channels that offer other methods than the shop"),
    limits: Limits.default({}).describe("How many orders and carts may wait at once"),
  })
  .meta({ id: "PaymentSettingChange" });

export const PaymentSettingRecord = z
  .object({
    methods: z.array(OfferedMethodRecord).nullable(),
    channels: z.array(z.object({ channelId: ChannelId, methods: z.array(OfferedMethodRecord) })),
    limits: Limits.required(),
    offered: z.array(OfferedMethodRecord).meta({ description: "The methods of a channel without its own" }),
    version: z.int().meta({ description: "0: nothing was chosen yet" }),
  })
  .meta({
    id: "PaymentSetting",
    description: "The ways to pay that the shop offers, and the limits of what is unpaid.",
  });

const isCurrentAccount = and(
  eq(paymentAccountTable.provider, "stripe"),
  ne(paymentAccountTable.status, "deauthorized"),
);
/** The first column decides whether the joined row is there, so that it is one that is never null. */
const settingColumns = {
  version: paymentSettingTable.version,
  methods: paymentSettingTable.methods,
  channels: paymentSettingTable.channels,
  limits: paymentSettingTable.limits,
};

/** The tenant's ways to pay. */
export const getSetting = fn(z.void(), async () => {
  const [row] = await read((q) =>
    q
      .select({ setting: settingColumns, accountStatus: paymentAccountTable.status })
      .from(tenantTableRoot)
      .leftJoin(paymentSettingTable, sql`true`)
      .leftJoin(paymentAccountTable, isCurrentAccount),
  );
  const { methods = null, channels = {}, limits = {}, version = 0 } = row?.setting ?? {};
  return {
    methods: methods && [...methods],
    channels: Object.entries(channels).map(([channelId, own]) => ({ channelId, methods: [...own] })),
    limits: unpaidLimits({ limits }),
    offered: [
      ...offeredMethods({ setting: row?.setting ?? null, accountStatus: row?.accountStatus ?? null, channelId: "" }),
    ],
    version,
  };
});

/** The ways to pay in the channel of a cart, and the limits of what is unpaid. */
export async function loadOffered(cartId: string) {
  const [row] = await read((q) =>
    q
      .select({ channelId: cartTable.channelId, setting: settingColumns, accountStatus: paymentAccountTable.status })
      .from(cartTable)
      .leftJoin(paymentSettingTable, sql`true`)
      .leftJoin(paymentAccountTable, isCurrentAccount)
      .where(eq(cartTable.id, cartId)),
  );
  const offered: readonly OfferedMethod[] = row ? offeredMethods(row) : [];
  return { offered, limits: unpaidLimits(row?.setting ?? null) };
}

/** @throws Failure stale, or invalid for a channel that is not there */
export const replaceSetting = fn(SettingChange.extend({ version: z.int().optional() }), ({ version, ...change }) =>
  db(async (tx) => {
    await requireChannels(
      tx,
      change.channels.map(({ channelId }) => channelId),
    );
    const { methods, limits } = change;
    const channels = Object.fromEntries(change.channels.map(({ channelId, methods: own }) => [channelId, own]));
    const row = { methods, limits, channels };
    const next = { ...row, version: bump(paymentSettingTable) };
    const returned = { version: settingColumns.version };
    const insert = tx.insert(paymentSettingTable).values(row);
    const [written] = await (version === 0
      ? insert.onConflictDoNothing().returning(returned)
      : version === undefined
        ? insert.onConflictDoUpdate({ target: paymentSettingTable.tenantId, set: next }).returning(returned)
        : tx.update(paymentSettingTable).set(next).where(eq(paymentSettingTable.version, version)).returning(returned));
    const setting = await getSetting();
    if (!written) throw staleVersion("payment methods", setting.version);
    return setting;
  }),
);

async function requireChannels(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await tx.select({ id: channelTable.id }).from(channelTable).where(anyOf(channelTable.id, ids));
  const known = new Set(found.map(({ id }) => id));
  const errors = ids.flatMap((id, index) =>
    known.has(id) ? [] : [{ pointer: `/channels/${index}/channelId`, detail: "does not exist" }],
  );
  if (errors.length > 0) throw invalid("invalid_request", "A channel does not exist.", { errors });
}

const StoreMethod = z
  .object({
    provider: z.string(),
    awaitsAcceptance: z.boolean().meta({ description: "The order is pending until the shop accepts it" }),
  })
  .meta({ id: "StorePaymentMethod" });
export const StoreMethods = z.object({ data: z.array(StoreMethod) });
export const MethodQuery = z.strictObject({
  channel: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "The slug of a channel. Default: the default channel" }),
});

/** The ways to pay that a shopper of a channel has, the default one first. @throws Failure not_found */
export const listOffered = fn(MethodQuery, async ({ channel }) => {
  const [row] = await read((q) =>
    q
      .select({ channelId: channelTable.id, setting: settingColumns, accountStatus: paymentAccountTable.status })
      .from(channelTable)
      .leftJoin(paymentSettingTable, sql`true`)
      .leftJoin(paymentAccountTable, isCurrentAccount)
      .where(channel ? eq(channelTable.slug, channel) : eq(channelTable.isDefault, true))
      .limit(1),
  );
  if (!row) throw notFound("channel");
  const data = offeredMethods(row).map((offer) => ({
    provider: offer.provider,
    awaitsAcceptance: awaitsStaff(providerOf(offer.provider), offer),
  }));
  return { data };
});

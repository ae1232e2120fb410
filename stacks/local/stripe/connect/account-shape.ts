import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { emptyable, flag, metadata, oneOf, text } from "../engine/shape.js";

const requested = z.strictObject({ requested: flag.optional() });
const capabilities = z.strictObject({
  card_payments: requested.optional(),
  transfers: requested.optional(),
  sepa_debit_payments: requested.optional(),
  us_bank_account_ach_payments: requested.optional(),
});
const profile = z.strictObject({
  mcc: z.string().optional(),
  name: z.string().optional(),
  product_description: z.string().optional(),
  support_email: z.string().optional(),
  support_phone: z.string().optional(),
  support_url: z.string().optional(),
  url: z.string().optional(),
});
const shared = {
  business_profile: profile.optional(),
  business_type: oneOf("company", "government_entity", "individual", "non_profit").optional(),
  capabilities: capabilities.optional(),
  default_currency: text.optional(),
  email: z.string().optional(),
  metadata: metadata.optional(),
};
export const create = z.strictObject({
  ...shared,
  country: text.optional(),
  controller: z
    .strictObject({
      fees: z.strictObject({ payer: oneOf("account", "application").optional() }).optional(),
      losses: z.strictObject({ payments: oneOf("application", "stripe").optional() }).optional(),
      requirement_collection: oneOf("application", "stripe").optional(),
      stripe_dashboard: z.strictObject({ type: oneOf("express", "full", "none").optional() }).optional(),
    })
    .optional(),
  type: oneOf("custom", "express", "standard").optional(),
});
export type Create = z.output<typeof create>;
export const update = z.strictObject({ ...shared, email: emptyable(text).optional() });

/** Requirements that an account fulfills before it may take payments. */
const due = ["business_profile.url", "external_account", "representative.verification.document", "tos_acceptance.date"];
const noRequirements: Stripe.Account.Requirements = {
  alternatives: [],
  current_deadline: null,
  currently_due: [],
  disabled_reason: null,
  errors: [],
  eventually_due: [],
  past_due: [],
  pending_verification: [],
};
export const requirements = (open: readonly string[], reason: string | null = null): Stripe.Account.Requirements => ({
  ...noRequirements,
  currently_due: [...open],
  disabled_reason: reason as Stripe.Account.Requirements.DisabledReason | null,
  eventually_due: [...open],
  past_due: [...open],
});
const unanswered = requirements(due, "requirements.past_due");
/** The requirements that are left when the first half of the form is filled in. */
export const half = requirements(due.slice(2), "requirements.past_due");
export const checking = {
  ...requirements([], "requirements.pending_verification"),
  pending_verification: ["representative.verification.document"],
};

const euro = new Set("AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK".split(" "));
const currencies: Record<string, string> = { AU: "aud", CA: "cad", CH: "chf", DK: "dkk", GB: "gbp", JP: "jpy" };
const currencyOf = (country: string) =>
  euro.has(country) ? "eur" : (currencies[country] ?? { NO: "nok", PL: "pln", SE: "sek", US: "usd" }[country] ?? "usd");

const types = { full: "standard", express: "express", none: "custom" } as const;
const dashboards = { standard: "full", express: "express", custom: "none" } as const;

/** The controller pays fees, bears losses and collects requirements; the older `type` is a preset of these. */
function controllerOf({ controller, type }: Create): Stripe.Account.Controller {
  if (controller && type)
    throw refused("You may only specify one of these parameters: controller, type.", { param: "type" });
  const dashboard = controller?.stripe_dashboard?.type ?? (type ? dashboards[type] : "full");
  const own = dashboard !== "full";
  const fees = controller?.fees?.payer ?? (own ? "application" : "account");
  const losses = controller?.losses?.payments ?? (own ? "application" : "stripe");
  if (dashboard === "full" && (fees === "application" || losses === "application"))
    throw refused("When `controller[stripe_dashboard][type]=full`, the account pays fees and Stripe bears losses.", {
      param: "controller",
    });
  const collection = controller?.requirement_collection ?? (dashboard === "none" ? "application" : "stripe");
  return {
    fees: { payer: fees },
    is_controller: true,
    losses: { payments: losses },
    requirement_collection: collection,
    stripe_dashboard: { type: dashboard },
    type: "application",
  };
}

/** Accounts with the full dashboard get the usual capabilities of their country; others get the requested ones. */
function capabilitiesOf(params: Create, country: string, full: boolean): Stripe.Account.Capabilities {
  const told = Object.entries(params.capabilities ?? {}).filter(([, value]) => value?.requested);
  const debit = euro.has(country) ? "sepa_debit_payments" : "us_bank_account_ach_payments";
  const usual = full ? ["card_payments", "transfers", ...(country === "US" || euro.has(country) ? [debit] : [])] : [];
  return Object.fromEntries([...usual, ...told.map(([name]) => name)].map((name) => [name, "inactive"]));
}

export const noProfile: Stripe.Account.BusinessProfile = {
  annual_revenue: null,
  estimated_worker_count: null,
  mcc: null,
  minority_owned_business_designation: null,
  name: null,
  product_description: null,
  specified_commercial_transactions_act_url: null,
  support_address: null,
  support_email: null,
  support_phone: null,
  support_url: null,
  url: null,
};

const settings = {
  bacs_debit_payments: { display_name: null, service_user_number: null },
  branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
  card_issuing: { tos_acceptance: { date: null, ip: null } },
  card_payments: {
    decline_on: { avs_failure: false, cvc_failure: false },
    statement_descriptor_prefix: null,
    statement_descriptor_prefix_kana: null,
    statement_descriptor_prefix_kanji: null,
  },
  dashboard: { display_name: null, timezone: "Etc/UTC" },
  invoices: { default_account_tax_ids: null, hosted_payment_method_save: "offer" },
  payments: { statement_descriptor: null, statement_descriptor_kana: null, statement_descriptor_kanji: null },
  payouts: {
    debit_negative_balances: true,
    schedule: { delay_days: 2, interval: "daily" },
    statement_descriptor: null,
  },
  sepa_debit_payments: {},
};

/** A connected account before onboarding. @throws Failure */
export function newAccount(params: Create, store: Store): Stripe.Account {
  const id = store.id("acct").replace(/(?<=^acct_.{16}).*/, "");
  const country = params.country ?? "DE";
  const controller = controllerOf(params);
  const dashboard = controller.stripe_dashboard?.type as keyof typeof types;
  return {
    id,
    object: "account",
    business_profile: { ...noProfile, ...params.business_profile },
    business_type: params.business_type ?? null,
    capabilities: capabilitiesOf(params, country, dashboard === "full"),
    charges_enabled: false,
    controller,
    country,
    created: store.now,
    default_currency: params.default_currency ?? currencyOf(country),
    details_submitted: false,
    email: params.email ?? null,
    external_accounts: { object: "list", data: [], has_more: false, url: `/v1/accounts/${id}/external_accounts` },
    future_requirements: noRequirements,
    metadata: params.metadata ?? {},
    payouts_enabled: false,
    requirements: unanswered,
    settings: settings as unknown as Stripe.Account.Settings,
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type: types[dashboard],
  };
}

export const fulfilled = (account: Stripe.Account, now: number): Partial<Stripe.Account> => ({
  capabilities: Object.fromEntries(Object.keys(account.capabilities ?? {}).map((name) => [name, "active"])),
  charges_enabled: true,
  details_submitted: true,
  payouts_enabled: true,
  requirements: noRequirements,
  tos_acceptance: { ...account.tos_acceptance, date: now },
});

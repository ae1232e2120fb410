import * as z from "zod";
import { type Currency, type Money, ratio } from "../kernel/money.js";
import { type PlanCode, soldPlans } from "./entitlement.sql.js";

export const intervals = ["month", "year"] as const;
export const Interval = z
  .enum(intervals)
  .meta({ id: "BillingInterval", description: "How often the plan is paid for" });
export type Interval = z.infer<typeof Interval>;

/** The features that a plan may contain beside its limits. */
export const features = ["reports", "ledger"] as const;
export type Feature = (typeof features)[number];

/** The dunning schedule of a plan, for a tenant that owes a payment. All in days. */
export interface DunningSchedule {
  /**
   * The days on which the owners get a reminder, counted from the day since which the payment is owed; negative: before
   * it.
   */
  reminderDays: readonly number[];
  /**
   * The days with full access. The days with read-only access follow, in which the staff can only read and shoppers can
   * buy, then the days of suspension, in which the shop is closed. After them the tenant is `closing`.
   */
  graceDays: number;
  readOnlyDays: number;
  suspendDays: number;
}

type Prices = Readonly<Record<Interval, Money>>;

export interface Plan {
  code: PlanCode;
  name: string;
  /** Null: not for sale. */
  prices: Prices | null;
  /** The platform's share of card payments, in basis points: 100 is 1 %. */
  fee: number;
  /** The rate limit of all credentials of the tenant together. The other limits are those of the meters. */
  requestsPerSecond: number;
  features: readonly Feature[];
  /** The days for which a tenant uses the plan before it pays. */
  trialDays: number;
  dunning: DunningSchedule;
}

/** A plan that is for sale. */
export const SoldPlan = z.enum(soldPlans).meta({
  id: "PlanCode",
  description: "A plan that is for sale; `GET /v1/billing/plans` has their prices and limits",
});
export type SoldPlan = z.infer<typeof SoldPlan>;

const CURRENCY: Currency = "EUR";
const euros = (month: number, year: number) => ({
  month: { amount: month * 100, currency: CURRENCY },
  year: { amount: year * 100, currency: CURRENCY },
});

const dunning: DunningSchedule = { reminderDays: [0, 3, 6], graceDays: 7, readOnlyDays: 14, suspendDays: 60 };

const growth = {
  requestsPerSecond: 500,
  fee: 100,
  features: ["reports", "ledger"],
} as const;

/**
 * The only list of plans. A plan's new price is another price at Stripe; a tenant keeps the old one until it changes
 * its plan.
 */
export const plans: Readonly<Record<SoldPlan, Plan & { prices: Prices }> & Record<"trial" | "sandbox", Plan>> = {
  starter: {
    code: "starter",
    name: "Starter",
    prices: euros(29, 290),
    fee: 200,
    requestsPerSecond: 100,
    features: [],
    trialDays: 0,
    dunning,
  },
  growth: { code: "growth", name: "Growth", prices: euros(99, 990), trialDays: 0, dunning, ...growth },
  scale: {
    code: "scale",
    name: "Scale",
    prices: euros(399, 3_990),
    fee: 50,
    requestsPerSecond: 2_000,
    features,
    trialDays: 0,
    dunning: { ...dunning, reminderDays: [0, 3, 7, 13], graceDays: 14 },
  },
  trial: {
    code: "trial",
    name: "Trial",
    prices: null,
    ...growth,
    // A merchant measures the speed during the trial, so that its rate is that of the largest plan.
    requestsPerSecond: 2_000,
    trialDays: 14,
    dunning: { ...dunning, reminderDays: [-3, 0, 3, 6] },
  },
  sandbox: {
    code: "sandbox",
    name: "Sandbox",
    prices: null,
    fee: 0,
    requestsPerSecond: 2_000,
    features,
    trialDays: 0,
    dunning,
  },
};

/** The plan of this code. @throws Error for a code that no plan has */
export function planOf(code: string): Plan {
  const plan = Object.hasOwn(plans, code) ? plans[code as PlanCode] : undefined;
  if (!plan) throw new Error(`There is no plan "${code.slice(0, 50)}".`);
  return plan;
}

/** The plan of a tenant before it subscribes to one. */
export const initialPlan = (livemode: boolean): PlanCode => (livemode ? "trial" : "sandbox");

/** The platform's fee of a card payment, in minor units, rounded down: never more than was agreed. */
export const platformFee = ({ fee }: Pick<Plan, "fee">, amount: number): number => ratio(amount, fee, 10_000, "down");

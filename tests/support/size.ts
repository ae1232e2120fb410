/**
 * The sizes of tests that prove more the longer they run. A change waits for the first of each pair; `STOA_SIZE=night`
 * asks for the second.
 */
const sizes = {
  /** Payments whose webhooks are repeated, delayed and lost. */
  payments: [80, 10_000],
  /** Processes that are killed at work. */
  kills: [16, 2_000],
  paymentKills: [12, 500],
  /** Runs of a property; each needs the database, and most of them Stripe. */
  billingRuns: [6, 100],
  disputeRuns: [8, 100],
  modelRuns: [12, 1_000],
  /** Copies of each row of a tenant whose lists are read. */
  copies: [20_000, 100_000],
  snapshotRuns: [6, 100],
  /** Seconds in which sixteen environments ask for ten times what a tenant may. */
  rateSeconds: [5, 60],
} as const;

const { STOA_SIZE } = process.env;
if (STOA_SIZE && STOA_SIZE !== "night") throw new Error(`STOA_SIZE is "night" or nothing, not "${STOA_SIZE}".`);
export const isNight = STOA_SIZE === "night";

export const size = Object.fromEntries(
  Object.entries(sizes).map(([name, [change, night]]) => [name, isNight ? night : change]),
) as Record<keyof typeof sizes, number>;

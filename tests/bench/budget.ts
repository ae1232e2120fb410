import { total } from "./aftermath.js";
import { workNames } from "./peers/side.js";
import { ratiosOf } from "./ratio.js";
import type { Report } from "./report.js";

export interface Budget {
  readonly name: string;
  readonly value: number;
  readonly met: boolean;
}

/** The least share of the floor's throughput that a read reaches. */
const LEAST_SHARE = 0.6;
/** The least throughput of reads at sixteen connections, of that at one, on two processors. */
const LEAST_SPEED_UP = 1.7;
/** The least throughput on one tenant, of that on sixteen. */
const LEAST_OF_SIXTEEN = 0.9;
/** How much later a quiet tenant's reads may be answered beside one that sends ten times what it may. */
const MOST_DISTURBANCE = 1.1;
/** How much slower a request may be for a hundred times the rows. */
const MOST_GROWTH = 1.1;
/** For each order at full load. */
const MOST_INVOCATIONS = 6;
const MOST_CALLS = 8;
/** Milliseconds in which 95 of 100 effects of a lone order are there. */
const EFFECT_P95 = 300;
/** Milliseconds in which 99 of 100 events have their answer while the workers stand still. */
const WEBHOOK_P99 = 300;

const roundTrips = { "product list (20)": 1, "product detail": 1, "add line": 6, complete: 10 };

const atMost = (name: string, value: number, limit: number): Budget => ({ name, value, met: value <= limit });
const atLeast = (name: string, value: number, limit: number): Budget => ({ name, value, met: value >= limit });

/** Counts hold in a run of any length; of the times, only the one that has a wide margin. */
function countsOf({ trips, webhooks }: Report): Budget[] {
  return [
    // With credential, rate token, BEGIN and COMMIT.
    ...Object.entries(roundTrips).map(([name, limit]) =>
      atMost(`${name}: round trips ≤ ${limit}`, trips[name]?.roundTrips ?? Number.NaN, limit),
    ),
    atMost(`webhook: p99 ≤ ${WEBHOOK_P99} ms with the workers stopped`, Math.round(webhooks.latency.p99), WEBHOOK_P99),
  ];
}

function ratesOf({ scenarios, tenancy, fairness, growth, cpus }: Report): Budget[] {
  const reads = scenarios.filter(({ share }) => share !== undefined);
  return [
    ...reads.map(({ name, share = 0 }) =>
      atLeast(`${name}: throughput ≥ ${LEAST_SHARE} of the floor's`, share, LEAST_SHARE),
    ),
    ...(cpus < 2 ? [] : reads).map(({ name, speedUp }) =>
      atLeast(`${name}: throughput at 16 connections ≥ ${LEAST_SPEED_UP} × that at 1`, speedUp, LEAST_SPEED_UP),
    ),
    ...tenancy.map(({ name, share }) =>
      atLeast(`${name}: throughput on one tenant ≥ ${LEAST_OF_SIXTEEN} of that on sixteen`, share, LEAST_OF_SIXTEEN),
    ),
    atMost(
      `a quiet tenant beside a loud one: p95 ≤ ${MOST_DISTURBANCE} × that without`,
      fairness.ratio,
      MOST_DISTURBANCE,
    ),
    ...growth.map(({ name, ratio }) =>
      atMost(`${name}: time in a large tenant ≤ ${MOST_GROWTH} × that in a small one`, ratio, MOST_GROWTH),
    ),
  ];
}

function followingOf({ aftermath: { slow, fast } }: Report): Budget[] {
  return [
    atMost(`after an order: invocations at load ≤ ${MOST_INVOCATIONS}`, total(fast.invocations), MOST_INVOCATIONS),
    atMost(`after an order: calls of SQS and EventBridge at load ≤ ${MOST_CALLS}`, total(fast.calls), MOST_CALLS),
    atMost(`after an order: p95 of its effects ≤ ${EFFECT_P95} ms`, slow.effect.p95, EFFECT_P95),
  ];
}

/** What must hold. A quick run is too short for rates: they are shown and not judged. */
export function budgetsOf(report: Report): Budget[] {
  if (report.quick) return countsOf(report);
  const compared = ratiosOf(report.peers ?? []).map(({ work, peer, value, least }) =>
    atLeast(`${workNames[work]}: ${least} × ${peer}`, value, least),
  );
  return [...countsOf(report), ...ratesOf(report), ...followingOf(report), ...compared];
}

import { deleteFullAddresses, deleteFullBuckets, deleteOldStripeEvents, SLICE } from "../../core/kernel/due.js";
import type { Alarm } from "./alarm.js";
import type { Module, Sweep } from "./module.js";

/** The sweeps that run over all rows at once, also rows without a tenant. */
export const platformSweeps: readonly Sweep[] = [
  { name: "rate.forget-buckets", run: deleteFullBuckets, slice: SLICE },
  { name: "rate.forget-addresses", run: deleteFullAddresses, slice: SLICE },
  { name: "stripe.forget-events", run: deleteOldStripeEvents, slice: SLICE },
];

/** A run each minute counts one, so that only a missing one raises this alarm. */
const heartbeat: Alarm = {
  name: "SweepMissing",
  metric: "SweepRuns",
  statistic: "Sum",
  threshold: 1_000,
  lasting: true,
  requiresData: true,
  description: "The sweep has not come to its end for three minutes: nothing is released, closed or deleted.",
  action: "Read the log of the schedule.",
};

/** A search for due rows fails under the name `due.<table>`; the sweep that deals with the rows is not told of them. */
const search: Alarm = {
  name: "SweepSearch",
  metric: "SweepSearchFailures",
  statistic: "Sum",
  threshold: 0,
  lasting: true,
  description: "Rows of a table that are due cannot be searched.",
  action: 'Search the log of the schedule for "sweep failed", and look at the index of the table that it names.',
};

const alarmOf = ({ name }: Sweep): Alarm => ({
  name: `Sweep${name.replace(/(^|\W)(\w)/g, (_, __, letter: string) => letter.toUpperCase())}`,
  metric: "SweepFailures",
  dimensions: { sweep: name },
  statistic: "Sum",
  threshold: 0,
  lasting: true,
  description: `The sweep "${name}" fails, or has too little time for what is due. The other sweeps go on.`,
  action: 'Search the log of the schedule for "sweep failed".',
});

/** The alarms of the housekeeping: one for each sweep, and one for the whole. */
export const sweepOf = (modules: readonly Module[]): Module => ({
  name: "sweep",
  alarms: [heartbeat, search, ...[...platformSweeps, ...modules.flatMap(({ sweeps = [] }) => sweeps)].map(alarmOf)],
});

/** An alarm on a metric of functions/log.ts, as data: a deployment makes CloudWatch's alarm of it (stacks/alarms.ts). */
export interface Alarm {
  /** Permanent: CloudWatch keeps the history of an alarm under it. */
  name: string;
  metric: string;
  /** All dimensions with which the metric is emitted, besides the service and the stage that each metric has. */
  dimensions?: Readonly<Record<string, string>>;
  /** `Maximum` when left out. */
  statistic?: "Sum" | "Maximum" | `p${number}`;
  /** Seconds; 60 when left out. */
  period?: number;
  /** The alarm is raised above it. */
  threshold: number;
  /** Three periods of five above the threshold instead of one, so that a spike raises no alarm. */
  lasting?: boolean;
  /** Missing data raises the alarm, too, because the metric is emitted all the time. */
  requiresData?: boolean;
  /** The meaning of the alarm. */
  description: string;
  /** The first thing that the operator does. */
  action: string;
}

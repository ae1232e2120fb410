import { capitalize } from "./name.js";
import { queues } from "./queues.js";
import { tickDeadLetter } from "./schedules.js";
import { stageSettings } from "./stage.js";

/** CloudWatch finds a metric by all of its dimensions or not at all: those that functions/log.ts adds, and its own. */
const ours = (metricName: string, dimensions: Record<string, string> = {}) => ({
  namespace: "Stoa",
  metricName,
  dimensions: { service: "stoa", stage: $app.stage, ...dimensions },
});

const ofQueue = (metricName: string, queue: sst.aws.Queue) => ({
  namespace: "AWS/SQS",
  metricName,
  dimensions: { QueueName: queue.nodes.queue.name },
});

/** One period above the threshold. */
const once = { evaluationPeriods: 1, datapointsToAlarm: 1 };
/** Three minutes of five above the threshold: not a spike. */
const lasting = { evaluationPeriods: 5, datapointsToAlarm: 3 };
/** The sum of one period above the threshold. */
const counted = { statistic: "Sum", ...once };

interface Alarm extends Omit<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator" | "name"> {
  readonly name: string;
}

const systemAlarms: readonly Alarm[] = [
  {
    name: "TenantMismatch",
    threshold: 0,
    alarmDescription: "A message names an event or job that its tenant does not have: it is forged or misrouted.",
    ...ours("MessagesDiscarded", { reason: "tenant_mismatch" }),
    ...counted,
  },
  {
    name: "OutboxDead",
    threshold: 0,
    alarmDescription: "The bus refused events 10 times, and the relay has given them up: read event.last_error.",
    ...ours("OutboxDead"),
    ...once,
  },
  {
    name: "StripeSignature",
    threshold: 20,
    alarmDescription: "Signatures fail: requests are forged, or a signing secret differs from the one at Stripe.",
    ...ours("StripeSignatureFailures"),
    ...counted,
    period: 300,
  },
  {
    name: "StripeQuarantine",
    threshold: 0,
    alarmDescription: "Events of Stripe belong to no known tenant: read platform.stripe_event.",
    ...ours("StripeEventsQuarantined"),
    ...counted,
  },
  {
    name: "StripeMalformed",
    threshold: 0,
    alarmDescription: "A signed body is not a known event. Stripe stops retrying after three days.",
    ...ours("StripeEventsMalformed"),
    ...counted,
  },
  {
    name: "StripeLag",
    threshold: 120,
    alarmDescription: "Events of Stripe arrive late: Stripe is slow, or earlier deliveries failed.",
    ...ours("StripeEventLag"),
    extendedStatistic: "p95",
    ...lasting,
  },
  {
    name: "Incidents",
    threshold: 0,
    alarmDescription:
      "An incident was opened: a discrepancy that the system cannot repair. Read the tenants' incidents.",
    ...ours("IncidentsOpened"),
    ...counted,
  },
  {
    name: "OutboxAge",
    threshold: 120,
    alarmDescription: "Events wait to be published, or the relay does not run (it reports this metric).",
    ...ours("OutboxOldestAge"),
    ...lasting,
    treatMissingData: "breaching",
  },
];

const deadLetterAlarm = (name: string, queue: sst.aws.Queue): Alarm => ({
  name: `${name}DeadLetter`,
  threshold: 0,
  alarmDescription: "Messages failed too often. Read them, fix the cause, and redrive them to their queue.",
  ...ofQueue("ApproximateNumberOfMessagesVisible", queue),
  ...once,
});

const ageAlarm = (name: string, queue: sst.aws.Queue): Alarm => ({
  name: `${name}Age`,
  threshold: 300,
  alarmDescription: "Messages have waited for more than 5 minutes: the consumer is stopped or too slow.",
  ...ofQueue("ApproximateAgeOfOldestMessage", queue),
  ...lasting,
});

function createAlarms() {
  /** The topic to which people and pagers subscribe. */
  const topic = new sst.aws.SnsTopic("Alarms");
  const queueAlarms = Object.entries(queues).flatMap(([key, { queue, deadLetter }]) => {
    const name = capitalize(key);
    return [deadLetterAlarm(name, deadLetter), ageAlarm(name, queue)];
  });
  for (const { name, ...alarm } of [deadLetterAlarm("Tick", tickDeadLetter), ...queueAlarms, ...systemAlarms])
    new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
      comparisonOperator: "GreaterThanThreshold",
      ...(alarm.extendedStatistic ? {} : { statistic: "Maximum" }),
      period: 60,
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...alarm,
    });
}

if (stageSettings($app.stage).permanent) createAlarms();

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

/** In one minute. */
const once = { evaluationPeriods: 1, datapointsToAlarm: 1 };
/** In three minutes of five: not a spike. */
const lasting = { evaluationPeriods: 5, datapointsToAlarm: 3 };

type Alarm = Omit<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator">;

function alarms() {
  /** People and pagers subscribe to it. */
  const topic = new sst.aws.SnsTopic("Alarms");
  const above = (threshold: number, name: string, alarmDescription: string, alarm: Alarm) =>
    new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
      alarmDescription,
      comparisonOperator: "GreaterThanThreshold",
      threshold,
      ...(alarm.extendedStatistic ? {} : { statistic: "Maximum" }),
      period: 60,
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...alarm,
    });

  const watchDeadLetter = (name: string, queue: sst.aws.Queue) =>
    above(
      0,
      `${name}DeadLetter`,
      "Messages failed too often. Read them, fix the cause, and redrive them to their queue.",
      {
        ...ofQueue("ApproximateNumberOfMessagesVisible", queue),
        ...once,
      },
    );
  watchDeadLetter("Tick", tickDeadLetter);
  for (const [key, { queue, deadLetter }] of Object.entries(queues)) {
    const name = capitalize(key);
    watchDeadLetter(name, deadLetter);
    above(300, `${name}Age`, "Messages have waited for more than 5 minutes: the consumer is stopped or too slow.", {
      ...ofQueue("ApproximateAgeOfOldestMessage", queue),
      ...lasting,
    });
  }

  above(
    0,
    "TenantMismatch",
    "A message names an event or job that its tenant does not have: it is forged or misrouted.",
    {
      ...ours("MessagesDiscarded", { reason: "tenant_mismatch" }),
      statistic: "Sum",
      ...once,
    },
  );
  above(0, "OutboxDead", "The bus refused events 10 times, and the relay has given them up: read event.last_error.", {
    ...ours("OutboxDead"),
    ...once,
  });
  above(
    20,
    "StripeSignature",
    "Signatures fail: requests are forged, or a signing secret differs from the one at Stripe.",
    {
      ...ours("StripeSignatureFailures"),
      statistic: "Sum",
      period: 300,
      ...once,
    },
  );
  above(0, "StripeQuarantine", "Events of Stripe belong to no known tenant: read platform.stripe_event.", {
    ...ours("StripeEventsQuarantined"),
    statistic: "Sum",
    ...once,
  });
  above(0, "StripeMalformed", "A signed body is not a known event. Stripe stops retrying after three days.", {
    ...ours("StripeEventsMalformed"),
    statistic: "Sum",
    ...once,
  });
  above(120, "StripeLag", "Events of Stripe arrive late: Stripe is slow, or earlier deliveries failed.", {
    ...ours("StripeEventLag"),
    extendedStatistic: "p95",
    ...lasting,
  });
  above(
    0,
    "Incidents",
    "An incident was opened: a discrepancy that the system cannot repair. Read the tenants' incidents.",
    {
      ...ours("IncidentsOpened"),
      statistic: "Sum",
      ...once,
    },
  );
  above(120, "OutboxAge", "Events wait to be published, or the relay does not run (it reports this metric).", {
    ...ours("OutboxOldestAge"),
    ...lasting,
    treatMissingData: "breaching",
  });
}

if (stageSettings($app.stage).permanent) alarms();

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
    above(0, `${name}DeadLetter`, "Read the messages, mend the cause, send them back.", {
      ...ofQueue("ApproximateNumberOfMessagesVisible", queue),
      ...once,
    });
  watchDeadLetter("Tick", tickDeadLetter);
  for (const [key, { queue, deadLetter }] of Object.entries(queues)) {
    const name = capitalize(key);
    watchDeadLetter(name, deadLetter);
    above(300, `${name}Age`, "Messages wait for a consumer.", {
      ...ofQueue("ApproximateAgeOfOldestMessage", queue),
      ...lasting,
    });
  }

  above(0, "TenantMismatch", "A message named what its tenant does not have: forged, crossed, or a fault of ours.", {
    ...ours("MessagesDiscarded", { reason: "tenant_mismatch" }),
    statistic: "Sum",
    ...once,
  });
  above(0, "OutboxDead", "Events were refused by the bus so often that the relay has given up.", {
    ...ours("OutboxDead"),
    ...once,
  });
  above(20, "StripeSignature", "Somebody forges events, or a signing secret is not the one that Stripe has.", {
    ...ours("StripeSignatureFailures"),
    statistic: "Sum",
    period: 300,
    ...once,
  });
  above(0, "StripeQuarantine", "Events of accounts or customers that nobody has: read platform.stripe_event.", {
    ...ours("StripeEventsQuarantined"),
    statistic: "Sum",
    ...once,
  });
  above(0, "StripeMalformed", "Stripe signed what is not an event as we know it; it is lost after three days.", {
    ...ours("StripeEventsMalformed"),
    statistic: "Sum",
    ...once,
  });
  above(120, "StripeLag", "Events come late: Stripe is slow, or we refused them before.", {
    ...ours("StripeEventLag"),
    extendedStatistic: "p95",
    ...lasting,
  });
  above(0, "Incidents", "A difference that the system cannot heal: read the incidents of the tenants.", {
    ...ours("IncidentsOpened"),
    statistic: "Sum",
    ...once,
  });
  above(120, "OutboxAge", "Events wait to be published, or the relay, which reports this at each run, does not run.", {
    ...ours("OutboxOldestAge"),
    ...lasting,
    treatMissingData: "breaching",
  });
}

if (stageSettings($app.stage).permanent) alarms();

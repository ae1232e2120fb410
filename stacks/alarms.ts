import { execFileSync } from "node:child_process";
import type { Alarm } from "../functions/modules/alarm.js";
import { capitalize } from "./name.js";
import { queues } from "./queues.js";
import { tickDeadLetter } from "./schedules.js";
import { stageSettings } from "./stage.js";

interface MetricAlarm extends Omit<aws.cloudwatch.MetricAlarmArgs, "comparisonOperator" | "name"> {
  readonly name: string;
}

/** One period above the threshold. */
const once = { evaluationPeriods: 1, datapointsToAlarm: 1 };
/** Three of five periods above the threshold: not a spike. */
const lasting = { evaluationPeriods: 5, datapointsToAlarm: 3 };

/** The alarms of the modules, from a process of their own: SST's bundler cannot bundle the native packages of theirs. */
function readModuleAlarms(): readonly Alarm[] {
  const output = execFileSync(process.execPath, ["--import", "tsx", "functions/alarm-list.ts"], { encoding: "utf8" });
  return JSON.parse(output);
}

/** CloudWatch finds a metric by all of its dimensions or not at all: those that functions/log.ts adds, and its own. */
const moduleAlarm = ({ name, statistic = "Maximum", ...alarm }: Alarm): MetricAlarm => ({
  name,
  namespace: "Stoa",
  metricName: alarm.metric,
  dimensions: { service: "stoa", stage: $app.stage, ...alarm.dimensions },
  ...(statistic.startsWith("p") ? { extendedStatistic: statistic } : { statistic }),
  ...(alarm.period && { period: alarm.period }),
  threshold: alarm.threshold,
  ...(alarm.lasting ? lasting : once),
  ...(alarm.requiresData && { treatMissingData: "breaching" }),
  alarmDescription: `${alarm.description} ${alarm.action}`,
});

const queueMetric = (metricName: string, queue: sst.aws.Queue) => ({
  namespace: "AWS/SQS",
  metricName,
  dimensions: { QueueName: queue.nodes.queue.name },
  statistic: "Maximum",
});

const deadLetterAlarm = (name: string, queue: sst.aws.Queue): MetricAlarm => ({
  name: `${name}DeadLetter`,
  threshold: 0,
  alarmDescription: "Messages failed too often. Read them, fix the cause, and redrive them to their queue.",
  ...queueMetric("ApproximateNumberOfMessagesVisible", queue),
  ...once,
});

const ageAlarm = (name: string, queue: sst.aws.Queue): MetricAlarm => ({
  name: `${name}Age`,
  threshold: 300,
  alarmDescription: "Messages have waited for more than 5 minutes: the consumer is stopped or too slow.",
  ...queueMetric("ApproximateAgeOfOldestMessage", queue),
  ...lasting,
});

function createAlarms() {
  /** The topic to which people and pagers subscribe. */
  const topic = new sst.aws.SnsTopic("Alarms");
  const queueAlarms = Object.entries(queues).flatMap(([key, { queue, deadLetter }]) => {
    const name = capitalize(key);
    return [deadLetterAlarm(name, deadLetter), ageAlarm(name, queue)];
  });
  const moduleAlarms = readModuleAlarms().map(moduleAlarm);
  for (const { name, ...alarm } of [deadLetterAlarm("Tick", tickDeadLetter), ...queueAlarms, ...moduleAlarms])
    new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
      comparisonOperator: "GreaterThanThreshold",
      period: 60,
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...alarm,
    });
}

if (stageSettings($app.stage).permanent) createAlarms();

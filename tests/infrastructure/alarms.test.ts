import { expect, test, vi } from "vitest";
import { count } from "../../functions/log.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { findSilentAlarms, listAlarms } from "../support/alarm.js";
import { production } from "./stages.js";

const { all, named } = production;
const alarms = all("MetricAlarm");
const own = alarms.filter(({ inputs }) => inputs.namespace === "Stoa");
const watched = (metric: string) =>
  alarms.filter(({ inputs }) => inputs.metricName === metric).map(({ inputs }) => inputs.dimensions.QueueName);

test("production has an alarm on every dead letter queue, and on the age of messages in every other queue", () => {
  const queues = all("Queue").map(({ name }) => name);
  const isDeadLetter = (name: string) => name.includes("DeadLetter");
  expect(watched("ApproximateNumberOfMessagesVisible").sort()).toEqual(queues.filter(isDeadLetter).sort());
  expect(watched("ApproximateAgeOfOldestMessage").sort()).toEqual(queues.filter((name) => !isDeadLetter(name)).sort());
});

test("production hears of what is crossed, given up, late, forged, or cannot be healed", () => {
  expect(own.map(({ name, inputs }) => [name, inputs.metricName, inputs.threshold]).sort()).toEqual(
    expect.arrayContaining([
      ["IncidentsAlarm", "IncidentsOpened", 0],
      ["OutboxAgeAlarm", "OutboxOldestAge", 120],
      ["OutboxDeadAlarm", "OutboxDead", 0],
      ["StripeLagAlarm", "StripeEventLag", 120],
      ["StripeMalformedAlarm", "StripeEventsMalformed", 0],
      ["StripeQuarantineAlarm", "StripeEventsQuarantined", 0],
      ["StripeSignatureAlarm", "StripeSignatureFailures", 20],
      ["TenantMismatchAlarm", "MessagesDiscarded", 0],
    ]),
  );
});

test("an alarm counts over the time, and by the statistic, that its threshold is about", () => {
  const read = (name: string) => {
    const { statistic, extendedStatistic, period } = own.find((alarm) => alarm.name === name)?.inputs ?? {};
    return [statistic ?? extendedStatistic, period];
  };
  expect(read("StripeSignatureAlarm")).toEqual(["Sum", 300]);
  expect(read("StripeLagAlarm")).toEqual(["p95", 60]);
  expect(read("StripeQuarantineAlarm")).toEqual(["Sum", 60]);
  expect(read("IncidentsAlarm")).toEqual(["Sum", 60]);
});

test("an alarm says what missing data means, and tells somebody", () => {
  for (const { name, inputs } of alarms) {
    // The relay reports the age of the outbox at each tick; its silence is an alarm too.
    expect(inputs.treatMissingData, name).toBe(
      ["OutboxAgeAlarm", "SweepMissingAlarm"].includes(name) ? "breaching" : "notBreaching",
    );
    expect(inputs.alarmActions.map(named)).toEqual(["AlarmsTopic"]);
  }
});

/** What `count` writes for CloudWatch to read. */
function emitted(metric: string, dimensions: Record<string, string>) {
  vi.stubEnv("STAGE", production.stage);
  const lines = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  count(metric, 1, dimensions);
  const text = lines.mock.calls.map(([chunk]) => String(chunk)).find((line) => line.includes("CloudWatchMetrics"));
  lines.mockRestore();
  vi.unstubAllEnvs();
  return JSON.parse(text ?? "{}");
}

test.each(own)("$name watches a metric with exactly the namespace and dimensions that are emitted", ({ inputs }) => {
  const { service: _, stage: __, ...extra } = inputs.dimensions;
  const line = emitted(inputs.metricName, extra);
  const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
  expect(Namespace).toBe(inputs.namespace);
  expect(Metrics[0].Name).toBe(inputs.metricName);
  const names: string[] = Dimensions[0];
  expect(Object.fromEntries(names.map((name) => [name, line[name]]))).toEqual(inputs.dimensions);
});

test("production has the alarms of all modules, whose metrics the code emits", () => {
  const listed = listAlarms(projectRoot);
  expect(own.map(({ name }) => name).sort()).toEqual(listed.map(({ name }) => `${name}Alarm`).sort());
  for (const { name, description, action } of listed)
    expect(own.find((alarm) => alarm.name === `${name}Alarm`)?.inputs.alarmDescription).toBe(
      `${description} ${action}`,
    );
  expect(findSilentAlarms(projectRoot, listed)).toEqual([]);
});

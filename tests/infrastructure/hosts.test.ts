import { EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from "@aws-sdk/client-eventbridge";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { afterAll, expect, test } from "vitest";
import { busName, startEndpoints } from "../../stacks/local/aws/endpoints.js";
import { createClock } from "../../stacks/local/lambda/clock.js";
import { startScheduler } from "../../stacks/local/lambda/scheduler.js";
import { environmentOf } from "../../stacks/local/settings.js";
import { localSettings } from "../../stacks/local/stripe/host.js";
import { capitalize } from "../../stacks/name.js";
import { type FunctionName, functions, type QueueName, queues, schedules } from "../../stacks/topology.js";
import { production } from "./stages.js";

// Asks the endpoints of the local host, in AWS's own words, for what the synthesis would make on AWS.
const clock = createClock();
const local = await startEndpoints({ clock });
afterAll(async () => {
  await local.stop();
  clock.stop();
});
const { one, all, named } = production;

async function localQueue(name: string) {
  const url = local.queues.get(name)?.url;
  const { Attributes = {} } = await local.client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
  );
  const redrive = Attributes.RedrivePolicy === undefined ? undefined : JSON.parse(Attributes.RedrivePolicy);
  return {
    visibility: Number(Attributes.VisibilityTimeout),
    retention: Number(Attributes.MessageRetentionPeriod),
    delay: Number(Attributes.DelaySeconds),
    redrive,
  };
}

function awsQueue(name: string) {
  const { inputs } = one("Queue", name);
  return {
    visibility: inputs.visibilityTimeoutSeconds,
    retention: inputs.messageRetentionSeconds,
    delay: inputs.delaySeconds,
    redrive: inputs.redrivePolicy === undefined ? undefined : JSON.parse(inputs.redrivePolicy),
  };
}

test("both hosts have the same queues with a consumer", () => {
  const here = [...local.queues.keys()].filter((name) => name in queues).map((name) => `${capitalize(name)}Queue`);
  const there = all("EventSourceMapping").map(({ inputs }) => named(inputs.eventSourceArn));
  expect(here.sort()).toEqual(there.sort());
});

test.each(Object.keys(queues) as QueueName[])("%s and its dead letters are set alike on both hosts", async (name) => {
  const here = await localQueue(name);
  const there = awsQueue(`${capitalize(name)}Queue`);
  expect({ ...here, redrive: here.redrive.maxReceiveCount }).toEqual({
    ...there,
    redrive: there.redrive.maxReceiveCount,
  });
  const deadLetter = await localQueue(here.redrive.deadLetterTargetArn.split(":").at(-1));
  expect(deadLetter).toEqual(awsQueue(named(there.redrive.deadLetterTargetArn)));
});

test("one rule takes the same events to the same queue, and what it cannot deliver to that queue's dead letters", async () => {
  const client = new EventBridgeClient({
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    endpoint: local.eventBridgeUrl,
  });
  const { Rules = [] } = await client.send(new ListRulesCommand({ EventBusName: busName }));
  const [rule] = Rules;
  const list = new ListTargetsByRuleCommand({ EventBusName: busName, Rule: rule?.Name });
  const { Targets = [] } = await client.send(list);
  client.destroy();
  expect([Rules.length, Targets.length]).toEqual([1, 1]);
  expect(JSON.parse(rule?.EventPattern ?? "")).toEqual(JSON.parse(one("EventRule", "BusRule").inputs.eventPattern));

  const arn = (name: string) => local.queues.get(name)?.arn;
  const nameOf = (queue: string | undefined) => [...local.queues.keys()].find((name) => arn(name) === queue) ?? "";
  const target = one("EventTarget", "BusTarget").inputs;
  const queue = nameOf(Targets[0]?.Arn);
  expect(`${capitalize(queue)}Queue`).toBe(named(target.arn));
  const deadLetterOf = (policy: { redrive: { deadLetterTargetArn: string } }) => policy.redrive.deadLetterTargetArn;
  expect(Targets[0]?.DeadLetterConfig?.Arn).toBe(deadLetterOf(await localQueue(queue)));
  expect(target.deadLetterConfig.arn).toBe(deadLetterOf(awsQueue(named(target.arn))));
});

test("production ticks the same functions as often as the local host", () => {
  const scheduler = startScheduler({ clock, schedules, invoke: async () => undefined, enabled: false });
  const here = scheduler.list().map((schedule) => ({
    name: `${capitalize(schedule.name)}TickSchedule`,
    target: `${capitalize(schedule.function)}LambdaFunction`,
    minutes: schedule.everyMinutes,
  }));
  scheduler.stop();
  const there = all("Schedule").map(({ name, inputs }) => ({
    name,
    target: named(inputs.target.arn),
    minutes: Number(/^rate\((\d+) minutes?\)$/.exec(inputs.scheduleExpression)?.[1]),
  }));
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  expect(here.sort(byName)).toEqual(there.sort(byName));
});

/** What stands in for AWS on this machine, and what only tests want. */
const localOnly = [
  "NEON_PROXY",
  "AWS_ENDPOINT_URL_SQS",
  "AWS_ENDPOINT_URL_EVENTBRIDGE",
  "MAILBOX_URL",
  "MAIL_RECIPIENT_LIMIT",
  "STRIPE_API_BASE",
  "VALIDATE_RESPONSES",
];

test.each(Object.keys(functions) as FunctionName[])("%s sees the same variables on both hosts", (name) => {
  const secrets = { appPassword: "a", relayPassword: "b", tokenKeys: "{}", dataKey: "d", seed: "s" };
  const around = { url: "http://127.0.0.1:1", adminUrl: "postgresql://127.0.0.1/stoa", bridgePort: 2, secrets };
  const stripe = localSettings(secrets, "http://127.0.0.1:3");
  const here = Object.keys(environmentOf(name, { ...around, endpoints: local, stripe }));
  const there = Object.keys(one("Function", `${capitalize(name)}LambdaFunction`).inputs.environment.variables);
  expect(here.filter((variable) => !localOnly.includes(variable)).sort()).toEqual(
    there.filter((variable) => !variable.startsWith("SST_")).sort(),
  );
});

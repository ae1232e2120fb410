import { describe, expect, test } from "vitest";
import { capitalize } from "../../stacks/name.js";
import { stageSettings } from "../../stacks/stage.js";
import { bus, functions, type QueueName, queueSettings, queues, schedules } from "../../stacks/topology.js";
import { stages } from "./stages.js";

const names = Object.keys(queues) as QueueName[];

describe.each(stages)("$stage", ({ stage, all, one, named, statements }) => {
  /** Dead letter queues by the name of the queue that they serve; a bus target and a schedule have one too. */
  const redrives = all("Queue").flatMap(({ name, inputs }) =>
    inputs.redrivePolicy ? [{ queue: name, ...JSON.parse(inputs.redrivePolicy) }] : [],
  );
  const deadLetters = new Set([
    ...redrives.map(({ deadLetterTargetArn }) => named(deadLetterTargetArn)),
    ...all("EventTarget").map(({ inputs }) => named(inputs.deadLetterConfig?.arn ?? "")),
    ...all("Schedule").map(({ inputs }) => named(inputs.target.deadLetterConfig?.arn ?? "")),
  ]);

  test("every queue is a dead letter queue, or has one that keeps messages longer, and a consumer", () => {
    for (const queue of all("Queue").filter(({ name }) => !deadLetters.has(name))) {
      const redrive = redrives.find((candidate) => candidate.queue === queue.name);
      expect(redrive, queue.name).toBeDefined();
      expect(redrive.maxReceiveCount).toBeGreaterThanOrEqual(5);
      const deadLetter = one("Queue", named(redrive.deadLetterTargetArn));
      expect(deadLetter.inputs.messageRetentionSeconds).toBeGreaterThan(queue.inputs.messageRetentionSeconds);
      const mappings = all("EventSourceMapping").filter(({ inputs }) => named(inputs.eventSourceArn) === queue.name);
      expect(mappings, queue.name).toHaveLength(1);
    }
  });

  test("a message stays hidden for six times as long as its function may run", () => {
    for (const { inputs } of all("EventSourceMapping")) {
      const queue = one("Queue", named(inputs.eventSourceArn));
      const handler = one("Function", named(inputs.functionName));
      expect(queue.inputs.visibilityTimeoutSeconds, queue.name).toBeGreaterThanOrEqual(6 * handler.inputs.timeout);
    }
  });

  test("every queue is encrypted and standard", () => {
    for (const { inputs } of all("Queue"))
      expect(inputs).toMatchObject({ sqsManagedSseEnabled: true, fifoQueue: false });
  });

  test("the queues are those of the topology", () => {
    const consumed = all("Queue").filter(({ name }) => !deadLetters.has(name));
    expect(consumed.map(({ name }) => name).sort()).toEqual(names.map((name) => `${capitalize(name)}Queue`).sort());
    for (const name of names) {
      const { inputs } = one("Queue", `${capitalize(name)}Queue`);
      const settings = queueSettings(name);
      expect(inputs).toMatchObject({
        visibilityTimeoutSeconds: settings.visibility,
        messageRetentionSeconds: settings.retention,
      });
      const redrive = JSON.parse(inputs.redrivePolicy);
      expect(redrive.maxReceiveCount).toBe(settings.maxReceiveCount);
      const deadLetter = one("Queue", named(redrive.deadLetterTargetArn));
      expect(deadLetter.inputs.messageRetentionSeconds).toBe(settings.deadLetterRetention);
    }
  });

  test.each(names)("%s is consumed as the topology says, with partial batch responses", (name) => {
    const spec = queues[name];
    expect(one("EventSourceMapping", `${capitalize(name)}Mapping`).inputs).toEqual({
      eventSourceArn:
        one("Queue", `${capitalize(name)}Queue`).inputs.arn ?? expect.stringMatching(`:${capitalize(name)}Queue$`),
      functionName: expect.stringMatching(`:${capitalize(spec.consumer)}LambdaFunction$`),
      batchSize: spec.batchSize,
      maximumBatchingWindowInSeconds: spec.window,
      functionResponseTypes: ["ReportBatchItemFailures"],
      scalingConfig: { maximumConcurrency: spec.maximumConcurrency },
    });
  });

  test("the rule's target has a dead letter and retries, and both queues admit this rule and nobody else", () => {
    const [rule, ...rules] = all("EventRule");
    const [target, ...targets] = all("EventTarget");
    expect([rules, targets]).toEqual([[], []]);
    expect(JSON.parse(rule?.inputs.eventPattern)).toEqual(bus.rule.pattern);
    expect(named(target?.inputs.arn)).toBe(`${capitalize(bus.rule.queue)}Queue`);
    expect(target?.inputs).toMatchObject({
      eventBusName: rule?.inputs.eventBusName,
      rule: rule?.name,
      retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
    });
    for (const arn of [target?.inputs.arn, target?.inputs.deadLetterConfig?.arn ?? "none"]) {
      const policy = all("QueuePolicy").filter(({ inputs }) => named(inputs.queueUrl) === named(arn));
      expect(policy, arn).toHaveLength(1);
      expect(statements.filter(({ of }) => of === policy[0]?.name)).toEqual([
        {
          of: policy[0]?.name,
          actions: ["sqs:SendMessage"],
          resources: [arn],
          principals: ["events.amazonaws.com"],
          conditions: [
            { test: "ArnEquals", variable: "aws:SourceArn", values: [expect.stringMatching(`:rule/${rule?.name}$`)] },
          ],
        },
      ]);
    }
  });

  test("schedules tick as the topology says, or as seldom as the stage wants", () => {
    const { everyMinutes } = stageSettings(stage);
    expect(all("Schedule")).toHaveLength(Object.keys(schedules).length);
    for (const [name, spec] of Object.entries(schedules)) {
      const minutes = everyMinutes ?? spec.everyMinutes;
      const { inputs } = one("Schedule", `${capitalize(name)}TickSchedule`);
      expect(inputs).toMatchObject({
        scheduleExpression: minutes === 1 ? "rate(1 minute)" : `rate(${minutes} minutes)`,
        flexibleTimeWindow: { mode: "OFF" },
        state: "ENABLED",
        target: { input: "{}", retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: minutes * 60 } },
      });
      expect(named(inputs.target.arn)).toBe(`${capitalize(spec.function)}LambdaFunction`);
      expect(named(inputs.target.deadLetterConfig.arn)).toBe("TickDeadLetterQueue");
    }
  });

  test("production ticks each minute; a function of a schedule is done before the next tick", () => {
    for (const { everyMinutes, function: target } of Object.values(schedules)) {
      expect(everyMinutes).toBe(1);
      expect(functions[target].timeout).toBeLessThanOrEqual(everyMinutes * 60);
    }
  });
});

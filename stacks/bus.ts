import { queues } from "./queues.js";
import { bus as topology } from "./topology.js";

export const bus = new sst.aws.Bus("Bus");

const { queue, deadLetter } = queues[topology.rule.queue];

// Not `bus.subscribeQueue()`: it admits every rule, topic and bucket of anybody to the queue, and without a dead
// letter EventBridge drops what it could not deliver within a day.
const rule = new aws.cloudwatch.EventRule("BusRule", {
  eventBusName: bus.name,
  eventPattern: JSON.stringify(topology.rule.pattern),
});

function admit(name: string, to: sst.aws.Queue) {
  const { json } = aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        principals: [{ type: "Service", identifiers: ["events.amazonaws.com"] }],
        actions: ["sqs:SendMessage"],
        resources: [to.arn],
        conditions: [{ test: "ArnEquals", variable: "aws:SourceArn", values: [rule.arn] }],
      },
    ],
  });
  return new aws.sqs.QueuePolicy(name, { queueUrl: to.url, policy: json });
}

new aws.cloudwatch.EventTarget(
  "BusTarget",
  {
    eventBusName: bus.name,
    rule: rule.name,
    arn: queue.arn,
    deadLetterConfig: { arn: deadLetter.arn },
    retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
  },
  { dependsOn: [admit("BusToEvents", queue), admit("BusToDeadLetter", deadLetter)] },
);

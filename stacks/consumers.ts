import { bus } from "./bus.js";
import { allow, lambda, send } from "./lambda.js";
import { mailIdentityArn } from "./mail.js";
import { migrated } from "./migrate.js";
import { capitalize } from "./name.js";
import { queues } from "./queues.js";
import { type QueueName, queues as topology } from "./topology.js";

const extra = {
  nudge: [allow(["events:PutEvents"], bus.arn), send(queues.jobs)],
  events: [send(queues.nudge)],
  jobs: [send(queues.nudge), allow(["ses:SendEmail"], mailIdentityArn)],
};

function consumer(name: QueueName) {
  const { queue } = queues[name];
  const receive = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"];
  const spec = topology[name];
  const handler = lambda(spec.consumer, {
    permissions: [
      allow(
        receive.map((action) => `sqs:${action}`),
        queue.arn,
      ),
      ...extra[name],
    ],
    after: migrated,
  });
  new aws.lambda.EventSourceMapping(`${capitalize(name)}Mapping`, {
    eventSourceArn: queue.arn,
    functionName: handler.arn,
    batchSize: spec.batchSize,
    maximumBatchingWindowInSeconds: spec.window,
    functionResponseTypes: ["ReportBatchItemFailures"],
    // Reserved concurrency alone lets the poller take more than it may hand over, and messages die unread.
    scalingConfig: { maximumConcurrency: spec.maximumConcurrency },
  });
  return handler;
}

export const relay = consumer("nudge");
consumer("events");
consumer("jobs");

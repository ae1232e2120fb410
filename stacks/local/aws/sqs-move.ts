import { randomUUID } from "node:crypto";
import * as z from "zod";
import { AwsError, type Operation, operation } from "./aws-json.js";
import type { Broker } from "./sqs-broker.js";
import { invalid, type Message } from "./sqs-message.js";
import type { Queue } from "./sqs-queue.js";

interface Task {
  readonly TaskHandle: string;
  Status: "RUNNING" | "COMPLETED" | "CANCELLED" | "FAILED";
  readonly SourceArn: string;
  readonly DestinationArn: string | undefined;
  readonly MaxNumberOfMessagesPerSecond: number | undefined;
  ApproximateNumberOfMessagesMoved: number;
  readonly ApproximateNumberOfMessagesToMove: number;
  FailureReason?: string;
  readonly StartedTimestamp: number;
}

const mostPerSecond = 500;

function requireQueue(broker: Broker, arn: string): Queue {
  const queue = broker.byArn(arn);
  if (queue) return queue;
  throw new AwsError(
    "ResourceNotFoundException",
    "The resource that you specified for the SourceArn parameter doesn't exist.",
    undefined,
    404,
  );
}

/** Redriven messages are new ones: another id, another time of sending, no receives. */
const renew = (message: Message, now: number): Message => ({
  id: randomUUID(),
  body: message.body,
  attributes: message.attributes,
  trace: message.trace,
  group: message.group,
  sent: now,
  receives: 0,
});

/** Moves for one second, then again while there is something to move. A message goes home unless a destination is given. */
function step(broker: Broker, source: Queue, task: Task) {
  if (task.Status !== "RUNNING") return;
  const home = (message: Message) => broker.byArn(task.DestinationArn ?? message.source ?? "");
  const most = task.MaxNumberOfMessagesPerSecond ?? mostPerSecond;
  const moved = source.drain(most, (message) => home(message) !== undefined);
  for (const message of moved) home(message)?.put(renew(message, broker.clock.now()));
  task.ApproximateNumberOfMessagesMoved += moved.length;
  if (moved.length === most) return void broker.clock.after(1000, () => step(broker, source, task));
  const homeless = source.inspect(0).visible > 0;
  task.Status = homeless ? "FAILED" : "COMPLETED";
  if (homeless) task.FailureReason = "CouldNotDetermineMessageSource";
}

/** Redrive of dead letters. */
export function moveOperations(broker: Broker, tasks: Task[] = []): Record<string, Operation> {
  return {
    StartMessageMoveTask: operation(
      {
        SourceArn: z.string(),
        DestinationArn: z.string().optional(),
        MaxNumberOfMessagesPerSecond: z.number().int().min(1).max(mostPerSecond).optional(),
      },
      ({ SourceArn, DestinationArn, MaxNumberOfMessagesPerSecond }) => {
        const source = requireQueue(broker, SourceArn);
        if (DestinationArn) requireQueue(broker, DestinationArn);
        if (![...broker.queues.values()].some((queue) => queue.redrive()?.deadLetterTargetArn === source.arn))
          throw invalid("Source queue must be configured as a Dead Letter Queue.");
        if (tasks.some((task) => task.SourceArn === SourceArn && task.Status === "RUNNING"))
          throw new AwsError(
            "UnsupportedOperation",
            "There is already a task running.",
            "AWS.SimpleQueueService.UnsupportedOperation",
          );
        const task: Task = {
          TaskHandle: randomUUID(),
          Status: "RUNNING",
          SourceArn,
          DestinationArn,
          MaxNumberOfMessagesPerSecond,
          ApproximateNumberOfMessagesMoved: 0,
          ApproximateNumberOfMessagesToMove: source.inspect(0).visible,
          StartedTimestamp: broker.clock.now(),
        };
        tasks.unshift(task);
        step(broker, source, task);
        return { TaskHandle: task.TaskHandle };
      },
    ),

    ListMessageMoveTasks: operation(
      { SourceArn: z.string(), MaxResults: z.number().int().min(1).max(10).optional() },
      ({ SourceArn, MaxResults }) => {
        requireQueue(broker, SourceArn);
        const own = tasks.filter((task) => task.SourceArn === SourceArn).slice(0, MaxResults ?? 1);
        return {
          Results: own.map(({ TaskHandle, ...task }) => (task.Status === "RUNNING" ? { TaskHandle, ...task } : task)),
        };
      },
    ),

    CancelMessageMoveTask: operation({ TaskHandle: z.string() }, ({ TaskHandle }) => {
      const task = tasks.find((each) => each.TaskHandle === TaskHandle && each.Status === "RUNNING");
      if (!task) throw new AwsError("ResourceNotFoundException", "Task does not exist.", undefined, 404);
      task.Status = "CANCELLED";
      return { ApproximateNumberOfMessagesMoved: task.ApproximateNumberOfMessagesMoved };
    }),
  };
}

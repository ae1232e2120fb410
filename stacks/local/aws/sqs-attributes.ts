import { AwsError } from "./aws-json.js";
import { invalid } from "./sqs-message.js";
import type { Queue } from "./sqs-queue.js";

/** SQS API reference, SetQueueAttributes: default, least, most. */
const numbers = new Map<string, readonly [number, number, number]>([
  ["VisibilityTimeout", [30, 0, 43_200]],
  ["MessageRetentionPeriod", [345_600, 60, 1_209_600]],
  ["DelaySeconds", [0, 0, 900]],
  ["ReceiveMessageWaitTimeSeconds", [0, 0, 20]],
  ["MaximumMessageSize", [1_048_576, 1_024, 1_048_576]],
]);

/** Stored attributes; of these only RedrivePolicy has an effect. */
const texts = [
  "RedrivePolicy",
  "RedriveAllowPolicy",
  "Policy",
  "SqsManagedSseEnabled",
  "KmsMasterKeyId",
  "KmsDataKeyReusePeriodSeconds",
];

const computed: Record<string, (queue: Queue, counts: ReturnType<Queue["inspect"]>) => number | string> = {
  QueueArn: ({ arn }) => arn,
  ApproximateNumberOfMessages: (_, { visible }) => visible,
  ApproximateNumberOfMessagesNotVisible: (_, { inFlight }) => inFlight,
  ApproximateNumberOfMessagesDelayed: (_, { delayed }) => delayed,
  CreatedTimestamp: ({ createdAt }) => Math.floor(createdAt / 1000),
  LastModifiedTimestamp: ({ modifiedAt }) => Math.floor(modifiedAt / 1000),
};

export const unknownAttribute = (name: string) => new AwsError("InvalidAttributeName", `Unknown Attribute ${name}.`);

const badValue = (name: string, reason = "") =>
  new AwsError("InvalidAttributeValue", `Invalid value for the parameter ${name}.${reason && ` Reason: ${reason}`}`);

function redrivePolicy(text: string, exists: (arn: string) => boolean): string {
  let policy: { deadLetterTargetArn?: unknown; maxReceiveCount?: unknown };
  try {
    policy = JSON.parse(text) ?? {};
  } catch {
    throw badValue("RedrivePolicy");
  }
  const { deadLetterTargetArn } = policy;
  const maxReceiveCount = Number(policy.maxReceiveCount);
  if (
    typeof deadLetterTargetArn !== "string" ||
    !Number.isInteger(maxReceiveCount) ||
    maxReceiveCount < 1 ||
    maxReceiveCount > 1000
  )
    throw badValue("RedrivePolicy", "deadLetterTargetArn and maxReceiveCount (1 to 1000) are required.");
  if (!exists(deadLetterTargetArn))
    throw invalid(`Value ${text} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.`);
  return JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
}

function checked(name: string, value: string, exists: (arn: string) => boolean): string {
  const range = numbers.get(name);
  if (range) {
    const number = Number(value);
    if (value === "" || !Number.isInteger(number) || number < range[1] || number > range[2]) throw badValue(name);
    return String(number);
  }
  if (!texts.includes(name)) throw unknownAttribute(name);
  return name === "RedrivePolicy" && value !== "" ? redrivePolicy(value, exists) : value;
}

/** Sets all of `given` or none; an empty string removes a policy. @throws AwsError */
export function setAttributes(
  attributes: Map<string, string>,
  given: Readonly<Record<string, string>>,
  exists: (arn: string) => boolean,
) {
  const changes = Object.entries(given).map(([name, value]) => [name, checked(name, value, exists)] as const);
  for (const [name, value] of changes) {
    if (value === "") attributes.delete(name);
    else attributes.set(name, value);
  }
}

export function defaultAttributes(): Map<string, string> {
  return new Map([...numbers].map(([name, [value]]) => [name, String(value)] as const)).set(
    "SqsManagedSseEnabled",
    "true",
  );
}

export function getAttributes(queue: Queue, names: readonly string[]): Record<string, string> {
  const unknown = names.find(
    (name) => name !== "All" && !(name in computed) && !numbers.has(name) && !texts.includes(name),
  );
  if (unknown) throw unknownAttribute(unknown);
  const counts = queue.inspect(0);
  const all = new Map(queue.attributes);
  for (const [name, of] of Object.entries(computed)) all.set(name, String(of(queue, counts)));
  return Object.fromEntries([...all].filter(([name]) => names.includes("All") || names.includes(name)));
}

import type { Clock } from "../lambda/clock.js";
import { AwsError } from "./aws-json.js";
import type { Rule, Target } from "./eventbridge-rules.js";
import type { Attributes } from "./sqs-message.js";

/** Sends one message to a queue. An AwsError is final; other errors are retried. */
export type Deliver = (queue: string, body: string, options: { group?: string; attributes?: Attributes }) => unknown;

export interface EventBridgeChaos {
  /** Share (0..1) of calls that fail with 503. */
  fail: number;
  /** Share (0..1) of entries of PutEvents that fail. */
  failEntries: number;
  /** Share (0..1) of deliveries made twice. */
  duplicate: number;
  /** Added before each delivery, on the clock. */
  delayMs: number;
  /** Each delivery waits up to a second on the clock, so that later ones overtake it. */
  reorder: boolean;
  /** Share (0..1) of deliveries that end with the target's dead letters. */
  dropToDlq: number;
}

const queueOf = (arn: string) => arn.split(":").at(-1) ?? "";
const text = (StringValue: string) => ({ DataType: "String", StringValue });

interface Delivery {
  readonly rule: Rule;
  readonly target: Target;
  readonly body: string;
  /** Time of the first attempt, milliseconds of the clock. */
  readonly since: number;
}

/** Milliseconds before the next attempt; undefined after the last one. */
function pauseAfter(attempts: number, { target, since }: Delivery, now: number): number | undefined {
  const { MaximumRetryAttempts = 185, MaximumEventAgeInSeconds = 86_400 } = target.RetryPolicy ?? {};
  const pause = Math.min(2 ** attempts, 600) * 1000;
  const over = now + pause > since + MaximumEventAgeInSeconds * 1000 || attempts >= MaximumRetryAttempts;
  return over ? undefined : pause;
}

/** Attributes of a dead letter. @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
const deadLetterAttributes = ({ rule, target }: Delivery, attempts: number, error: unknown): Attributes => ({
  RULE_ARN: text(rule.arn),
  TARGET_ARN: text(target.Arn),
  ERROR_CODE: text(error instanceof AwsError ? error.code : "SDK_CLIENT_ERROR"),
  ERROR_MESSAGE: text(String(error)),
  RETRY_ATTEMPTS: { DataType: "Number", StringValue: String(attempts) },
});

/** Sends a failed delivery to its target's dead-letter queue. The result names the count that it raises. */
async function giveUp(delivery: Delivery, attempts: number, error: unknown, deliver: Deliver) {
  const arn = delivery.target.DeadLetterConfig?.Arn;
  if (!arn) return "dropped";
  try {
    await deliver(queueOf(arn), delivery.body, { attributes: deadLetterAttributes(delivery, attempts, error) });
    return "deadLettered";
  } catch {
    return "dropped";
  }
}

/** Delivers at least once, with 185 retries in 24 h at growing intervals, then to the dead-letter queue. */
export function createDelivery(context: { clock: Clock; chaos: EventBridgeChaos; deliver: Deliver }) {
  const { clock, chaos, deliver } = context;
  const counts = { delivered: 0, retried: 0, deadLettered: 0, dropped: 0, pending: 0 };

  async function attempt(delivery: Delivery, attempts = 0): Promise<void> {
    const { target, body } = delivery;
    const group = target.SqsParameters?.MessageGroupId;
    try {
      if (Math.random() < chaos.dropToDlq) throw new AwsError("CHAOS", "Chaos: this delivery failed for good.");
      await deliver(queueOf(target.Arn), body, group ? { group } : {});
      counts.delivered++;
      counts.pending--;
    } catch (error) {
      const pause = pauseAfter(attempts, delivery, clock.now());
      if (pause === undefined || error instanceof AwsError) {
        counts.pending--;
        counts[await giveUp(delivery, attempts, error, deliver)]++;
        return;
      }
      counts.retried++;
      clock.after(pause, () => attempt(delivery, attempts + 1));
    }
  }

  function start(rule: Rule, target: Target, body: string) {
    counts.pending++;
    const begin = () => attempt({ rule, target, body, since: clock.now() });
    const wait = chaos.delayMs + (chaos.reorder ? Math.random() * 1000 : 0);
    if (wait > 0) clock.after(wait, begin);
    else void begin();
  }

  return {
    counts,
    dispatch(rule: Rule, body: string) {
      for (const target of rule.targets.values()) {
        start(rule, target, body);
        if (Math.random() < chaos.duplicate) start(rule, target, body);
      }
    },
  };
}

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

/** Delivers at least once, with 185 retries in 24 h at growing intervals, then to the dead-letter queue. */
export function createDelivery(context: { clock: Clock; chaos: EventBridgeChaos; deliver: Deliver }) {
  const { clock, chaos, deliver } = context;
  const counts = { delivered: 0, retried: 0, deadLettered: 0, dropped: 0, pending: 0 };

  async function giveUp(rule: Rule, target: Target, body: string, attempts: number, error: unknown) {
    const arn = target.DeadLetterConfig?.Arn;
    if (!arn) return void counts.dropped++;
    const attributes = {
      RULE_ARN: text(rule.arn),
      TARGET_ARN: text(target.Arn),
      ERROR_CODE: text(error instanceof AwsError ? error.code : "SDK_CLIENT_ERROR"),
      ERROR_MESSAGE: text(String(error)),
      RETRY_ATTEMPTS: { DataType: "Number", StringValue: String(attempts) },
    };
    try {
      await deliver(queueOf(arn), body, { attributes });
      counts.deadLettered++;
    } catch {
      counts.dropped++;
    }
  }

  async function attempt(rule: Rule, target: Target, body: string, since: number, attempts = 0): Promise<void> {
    const group = target.SqsParameters?.MessageGroupId;
    try {
      if (Math.random() < chaos.dropToDlq) throw new AwsError("CHAOS", "Chaos: this delivery failed for good.");
      await deliver(queueOf(target.Arn), body, group ? { group } : {});
      counts.delivered++;
      counts.pending--;
    } catch (error) {
      const { MaximumRetryAttempts = 185, MaximumEventAgeInSeconds = 86_400 } = target.RetryPolicy ?? {};
      const pause = Math.min(2 ** attempts, 600) * 1000;
      const over = clock.now() + pause > since + MaximumEventAgeInSeconds * 1000 || attempts >= MaximumRetryAttempts;
      if (over || error instanceof AwsError) {
        counts.pending--;
        return giveUp(rule, target, body, attempts, error);
      }
      counts.retried++;
      clock.after(pause, () => attempt(rule, target, body, since, attempts + 1));
    }
  }

  function start(rule: Rule, target: Target, body: string) {
    counts.pending++;
    const wait = chaos.delayMs + (chaos.reorder ? Math.random() * 1000 : 0);
    if (wait > 0) clock.after(wait, () => attempt(rule, target, body, clock.now()));
    else void attempt(rule, target, body, clock.now());
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

import { randomUUID } from "node:crypto";
import { AwsError, arnOf } from "./aws-json.js";
import { Backlog, type Waiting } from "./sqs-backlog.js";
import type { QueueContext } from "./sqs-broker.js";
import { invalid, type Message, type Received, type ReceiveOptions } from "./sqs-message.js";
import { createWaiters } from "./waiters.js";

interface Entry extends Waiting {
  readonly seq: number;
  readonly message: Message;
  readonly copy: boolean;
  /** Receipt handle of the newest receive; older ones are stale. */
  handle: string;
  receivedAt: number;
  cancel: (() => void) | undefined;
}

const mostInFlight = 120_000;
const longestVisibility = 43_200;
let sequence = 0;

export class Queue {
  readonly arn: string;
  readonly tags = new Map<string, string>();
  readonly createdAt: number;
  modifiedAt: number;
  purgedAt = Number.NEGATIVE_INFINITY;
  #entries = new Map<number, Entry>();
  #backlog = new Backlog<Entry>();
  #delayed = new Set<Entry>();
  #inFlight = new Set<Entry>();
  #waiters = createWaiters();
  #closed = false;

  constructor(
    readonly name: string,
    /** Names and values of SQS's attributes. */
    readonly attributes: Map<string, string>,
    private readonly context: QueueContext,
  ) {
    this.arn = arnOf("sqs", name);
    this.createdAt = this.modifiedAt = context.clock.now();
  }

  number(attribute: string) {
    return Number(this.attributes.get(attribute));
  }

  redrive(): { deadLetterTargetArn: string; maxReceiveCount: number } | undefined {
    const policy = this.attributes.get("RedrivePolicy");
    return policy ? JSON.parse(policy) : undefined;
  }

  put(message: Message, delayMs = 0, copy = false) {
    const seq = ++sequence;
    const entry: Entry = {
      seq,
      message,
      copy,
      group: message.group,
      place: 0,
      handle: "",
      receivedAt: 0,
      cancel: undefined,
    };
    this.#entries.set(seq, entry);
    this.context.journal.put(seq, this.name, message, delayMs > 0 ? this.context.clock.now() + delayMs : undefined);
    if (delayMs <= 0) return this.#show(entry);
    this.#delayed.add(entry);
    entry.cancel = this.context.clock.after(delayMs, () => {
      this.#delayed.delete(entry);
      this.#show(entry);
    });
  }

  #show(entry: Entry) {
    entry.cancel = undefined;
    this.#backlog.add(entry);
    this.#waiters.wakeOne();
  }

  #hide(entry: Entry, seconds: number) {
    this.#inFlight.add(entry);
    this.#backlog.flight(entry.group, 1);
    entry.cancel = this.context.clock.after(seconds * 1000, () => this.#return(entry));
  }

  #return(entry: Entry) {
    this.#land(entry);
    this.#show(entry);
  }

  #land(entry: Entry) {
    entry.cancel?.();
    if (this.#inFlight.delete(entry)) this.#backlog.flight(entry.group, -1);
  }

  #forget(entry: Entry) {
    this.#land(entry);
    this.#delayed.delete(entry);
    this.#backlog.remove(entry);
    this.#entries.delete(entry.seq);
    this.context.journal.removed(entry.seq);
  }

  #expired({ message }: Entry) {
    return message.sent + this.number("MessageRetentionPeriod") * 1000 <= this.context.clock.now();
  }

  #take({ max, visibility = this.number("VisibilityTimeout") }: ReceiveOptions): Received[] {
    if (this.#inFlight.size >= mostInFlight)
      throw new AwsError("OverLimit", `Too many messages in flight: ${mostInFlight}.`);
    const taken: Received[] = [];
    while (taken.length < max) {
      const entry = this.#backlog.next(this.context.chaos.reorder);
      if (!entry) break;
      if (this.#expired(entry)) this.#forget(entry);
      else if (!this.#giveUp(entry)) taken.push(this.#deliver(entry, visibility));
    }
    return taken;
  }

  /** Moves a message to the dead-letter queue when it was received `maxReceiveCount` times. */
  #giveUp(entry: Entry): boolean {
    const redrive = this.redrive();
    if (!redrive || entry.message.receives < redrive.maxReceiveCount) return false;
    const deadLetters = this.context.byArn(redrive.deadLetterTargetArn);
    if (!deadLetters) return false;
    deadLetters.put({ ...entry.message, source: this.arn });
    this.#forget(entry);
    return true;
  }

  #deliver(entry: Entry, visibility: number): Received {
    const { message } = entry;
    const now = this.context.clock.now();
    if (this.#inFlight.size >= mostInFlight)
      throw new AwsError("OverLimit", `Too many messages in flight: ${mostInFlight}.`);
    this.#backlog.remove(entry);
    if (message.receives === 0 && !entry.copy && Math.random() < this.context.chaos.duplicate)
      this.put({ ...message }, 0, true);
    message.receives++;
    message.firstReceived ??= now;
    entry.receivedAt = now;
    entry.handle = Buffer.from(`${this.name}/${entry.seq}/${randomUUID()}`).toString("base64url");
    this.context.journal.received(entry.seq, message.receives, message.firstReceived);
    this.#hide(entry, visibility);
    return { handle: entry.handle, message };
  }

  async receive(options: ReceiveOptions): Promise<Received[]> {
    const deadline = Date.now() + (options.wait ?? 0) * 1000;
    while (!options.signal?.aborted) {
      const taken = this.#take(options);
      const left = deadline - Date.now();
      if (taken.length > 0 || left <= 0 || this.#closed) return taken;
      await this.#waiters.wait(left, options.signal);
    }
    // An aborted poll passes its wake-up on to the next one.
    if (this.#backlog.size > 0) this.#waiters.wakeOne();
    return [];
  }

  #find(handle: string): Entry | undefined {
    const [name, seq] = Buffer.from(handle, "base64url").toString().split("/");
    if (name !== this.name)
      throw new AwsError(
        "ReceiptHandleIsInvalid",
        `The input receipt handle "${handle}" is not a valid receipt handle.`,
      );
    const entry = this.#entries.get(Number(seq));
    return entry?.handle === handle ? entry : undefined;
  }

  /** A stale handle is accepted and deletes nothing, as on AWS. */
  remove(handle: string) {
    const entry = this.#find(handle);
    if (entry) this.#forget(entry);
  }

  changeVisibility(handle: string, seconds: number) {
    const entry = this.#find(handle);
    if (!entry)
      throw invalid(
        `Value ${handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
      );
    if (!this.#inFlight.has(entry))
      throw new AwsError(
        "MessageNotInflight",
        "The message is not in flight.",
        "AWS.SimpleQueueService.MessageNotInflight",
      );
    if (this.context.clock.now() + seconds * 1000 > entry.receivedAt + longestVisibility * 1000)
      throw invalid(`Total VisibilityTimeout for the message is beyond the limit [${longestVisibility} seconds]`);
    if (seconds === 0) return this.#return(entry);
    this.#land(entry);
    this.#hide(entry, seconds);
  }

  purge() {
    for (const entry of this.#entries.values()) this.#forget(entry);
  }

  #sweep() {
    for (const entry of this.#entries.values()) if (this.#expired(entry)) this.#forget(entry);
  }

  /** Counts, age in seconds, and the first `preview` messages. */
  inspect(preview = 20) {
    this.#sweep();
    const entries = [...this.#entries.values()];
    const oldest = entries.reduce((least, { message }) => Math.min(least, message.sent), this.context.clock.now());
    return {
      name: this.name,
      visible: this.#backlog.size,
      inFlight: this.#inFlight.size,
      delayed: this.#delayed.size,
      oldestAge: (this.context.clock.now() - oldest) / 1000,
      messages: entries.slice(0, preview).map((entry) => ({
        ...entry.message,
        state: this.#inFlight.has(entry) ? "inFlight" : this.#delayed.has(entry) ? "delayed" : "visible",
      })),
    };
  }

  /** Ends long polls without messages and cancels timers. */
  close() {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.cancel?.();
    this.#waiters.wakeAll();
  }
}

import type { Clock } from "../../lambda/clock.js";
import type { Disorder } from "./chaos.js";

export interface Delivery {
  readonly account: string | undefined;
  /** Id of the event. */
  readonly event: string;
  /** Index of the endpoint. */
  readonly endpoint: number;
  readonly attempt: number;
  /** An additional copy, whose result has no effect. */
  readonly copy: boolean;
}

export interface Release {
  /** `kept` by default. */
  readonly order?: "kept" | "reversed" | "shuffled";
  readonly times?: number;
  /** Ids of the events; by default all. */
  readonly events?: readonly string[];
}

const parallel = 32;

/** Runs up to 32 deliveries at a time; `settled` resolves when none is queued or in flight. */
function createLanes(run: (delivery: Delivery) => Promise<void>) {
  let queue: Delivery[] = [];
  let next = 0;
  let active = 0;
  let waiting: (() => void)[] = [];

  function pump() {
    for (let one = queue[next]; one && active < parallel; one = queue[++next]) {
      active++;
      void run(one).finally(() => {
        active--;
        pump();
      });
    }
    if (next < queue.length || active > 0) return;
    [queue, next] = [[], 0];
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    add(deliveries: readonly Delivery[]) {
      for (const one of deliveries) queue.push(one);
      pump();
    },
    settled: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        pump();
      }),
    clear() {
      queue.length = next;
    },
  };
}

function shuffle(deliveries: readonly Delivery[], upTo: Disorder["upTo"]): Delivery[] {
  const left = [...deliveries];
  return deliveries.flatMap(() => left.splice(upTo(left.length - 1), 1));
}

/** Gathers deliveries into batches that leave in random order, 200 ms after their first delivery at the latest. */
function createBatch({ chaos, upTo }: Disorder, leave: (deliveries: readonly Delivery[]) => void) {
  let batch: Delivery[] = [];
  let alarm: NodeJS.Timeout | undefined;

  function release() {
    clearTimeout(alarm);
    if (batch.length === 0) return;
    const leaving = shuffle(batch, upTo);
    batch = [];
    leave(leaving);
  }

  return {
    add(delivery: Delivery) {
      const size = batch.push(delivery);
      if (size >= chaos.webhooks.reorder) release();
      else if (size === 1) alarm = setTimeout(release, 200).unref();
    },
    release,
    stop: () => clearTimeout(alarm),
  };
}

/** Dispatches deliveries by the switches: held, delayed, reordered or at once. */
export function createSending(clock: Clock, disorder: Disorder, run: (delivery: Delivery) => Promise<void>) {
  const { chaos, upTo } = disorder;
  const lanes = createLanes(run);
  const batch = createBatch(disorder, lanes.add);
  let held: Delivery[] = [];

  return {
    dispatch(delivery: Delivery) {
      const { hold, delayMs, reorder } = chaos.webhooks;
      if (hold) held.push(delivery);
      else if (delayMs > 0) clock.after(upTo(delayMs), () => lanes.add([delivery]));
      else if (reorder > 1) batch.add(delivery);
      else lanes.add([delivery]);
    },
    send: (delivery: Delivery) => lanes.add([delivery]),
    held: () => held.map(({ event }) => event),
    release({ order = "kept", times = 1, events }: Release = {}) {
      const chosen = (delivery: Delivery) => !events || events.includes(delivery.event);
      const leaving = held.filter(chosen);
      held = events ? held.filter((delivery) => !chosen(delivery)) : [];
      const all = leaving.flatMap((one) => Array.from({ length: times }, (_, copy) => ({ ...one, copy: copy > 0 })));
      if (order === "reversed") all.reverse();
      lanes.add(order === "shuffled" ? shuffle(all, upTo) : all);
      return all.length;
    },
    async settled() {
      batch.release();
      await lanes.settled();
    },
    stop() {
      batch.stop();
      lanes.clear();
    },
  };
}

type Run = () => unknown;
interface Timer {
  readonly time: number;
  readonly order: number;
  run: Run | undefined;
}

/** The time of queues and schedules on the local host: the real time, and what tests and `/_local/clock` add to it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `run` at `time` (ms), never before this call returns; returns the function that cancels it. */
  at(time: number, run: Run): () => void;
  after(ms: number, run: Run): () => void;
  /** Advances the time and runs due timers in order; awaits runs that return a promise. */
  advance(ms: number): Promise<void>;
  stop(): void;
}

const earlier = (a: Timer, b: Timer) => a.time - b.time || a.order - b.order;

/** Adds a timer to a binary heap, whose root is the next timer. */
function insert(heap: Timer[], timer: Timer) {
  let place = heap.push(timer) - 1;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above];
    if (!parent || earlier(parent, timer) <= 0) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = timer;
}

/** Removes the root of a binary heap. */
function removeRoot(heap: Timer[]) {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    let child = heap[below];
    const right = heap[below + 1];
    if (child && right && earlier(right, child) < 0) [below, child] = [below + 1, right];
    if (!child || earlier(last, child) <= 0) break;
    heap[place] = child;
    place = below;
  }
  heap[place] = last;
}

/** Timers in order of time. Cancelled timers stay until they surface or outnumber the others. */
function createAgenda() {
  let heap: Timer[] = [];
  let cancelled = 0;

  function next(): Timer | undefined {
    while (heap[0] && !heap[0].run) {
      removeRoot(heap);
      cancelled--;
    }
    return heap[0];
  }

  function cancel(timer: Timer) {
    if (!timer.run) return;
    timer.run = undefined;
    if (++cancelled < 1024 || cancelled * 2 < heap.length) return;
    heap = heap.filter(({ run }) => run).sort(earlier);
    cancelled = 0;
  }

  /** Removes a due timer; cancelling it later has no effect. */
  function take(timer: Timer): Run | undefined {
    const { run } = timer;
    removeRoot(heap);
    timer.run = undefined;
    return run;
  }

  return { push: (timer: Timer) => insert(heap, timer), next, cancel, take };
}

/** A clock that shows the real time until it is advanced. Its timers do not keep the process alive. */
export function createClock(): Clock {
  const agenda = createAgenda();
  let offset = 0;
  let order = 0;
  let alarm: NodeJS.Timeout | undefined;
  const now = () => Date.now() + offset;

  function due(): Run | undefined {
    const timer = agenda.next();
    return timer && timer.time <= now() ? agenda.take(timer) : undefined;
  }

  function arm() {
    clearTimeout(alarm);
    const timer = agenda.next();
    if (!timer) return;
    alarm = setTimeout(ring, Math.min(Math.max(timer.time - now(), 0), 2 ** 31 - 1)).unref();
  }

  function ring() {
    for (let run = due(); run; run = due()) run();
    arm();
  }

  function at(time: number, run: Run) {
    const timer: Timer = { time, order: ++order, run };
    agenda.push(timer);
    if (agenda.next() === timer) arm();
    return () => agenda.cancel(timer);
  }

  async function advance(ms: number) {
    for (let left = ms; ; ) {
      const timer = agenda.next();
      const step = Math.min(left, Math.max((timer?.time ?? Number.POSITIVE_INFINITY) - now(), 0));
      offset += step;
      left -= step;
      const run = due();
      if (!run) break;
      const result = run();
      if (result instanceof Promise) await result;
    }
    arm();
  }

  return { now, at, after: (ms, run) => at(now() + ms, run), advance, stop: () => clearTimeout(alarm) };
}

import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.js";

interface ScheduleSpec {
  readonly function: string;
  readonly everyMinutes: number;
}

export interface ScheduleState extends ScheduleSpec {
  readonly name: string;
  readonly running: boolean;
  /** Milliseconds of the local clock; none before the first run, or when schedules are off. */
  readonly lastRun?: number;
  readonly nextRun?: number;
  readonly error?: string;
}

/** EventBridge Scheduler for the topology's schedules, on the local clock. */
export interface Scheduler {
  list(): ScheduleState[];
  /** Runs a schedule now and returns its function's result. @throws the function's error */
  run(name: string): Promise<unknown>;
  /** Changes the interval from now on. */
  setEvery(name: string, minutes: number): void;
  /** Resolves when no run is under way. */
  idle(): Promise<void>;
  stop(): void;
}

interface Schedule {
  readonly name: string;
  readonly function: string;
  everyMinutes: number;
  running: Promise<unknown> | undefined;
  again: boolean;
  lastRun?: number;
  nextRun?: number;
  error?: string;
  cancel(): void;
}

/** The event of a schedule without an input. */
const toEvent = (name: string, at: number) => ({
  version: "0",
  id: randomUUID(),
  "detail-type": "Scheduled Event",
  source: "aws.scheduler",
  account: "000000000000",
  time: new Date(at).toISOString().replace(/\.\d+Z$/, "Z"),
  region: "us-east-1",
  resources: [`arn:aws:scheduler:us-east-1:000000000000:schedule/default/${name}`],
  detail: "{}",
});

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly schedules: Readonly<Record<string, ScheduleSpec>>;
  invoke(name: string, event: unknown): Promise<unknown>;
  /** `false`: schedules run by `run` only. */
  readonly enabled?: boolean;
}

/**
 * Starts the schedules; the first run comes after one period. A run that is due while the last one is under way is
 * made once after it, so an advance of many periods makes one or two runs of each schedule.
 */
export const startScheduler = (options: SchedulerOptions): Scheduler => new ClockScheduler(options);

class ClockScheduler implements Scheduler {
  readonly #all = new Map<string, Schedule>();

  constructor(readonly options: SchedulerOptions) {
    for (const [name, { function: target, everyMinutes }] of Object.entries(options.schedules)) {
      const schedule: Schedule = {
        name,
        function: target,
        everyMinutes,
        running: undefined,
        again: false,
        cancel() {},
      };
      this.#all.set(name, schedule);
      this.#arm(schedule);
    }
  }

  list() {
    return [...this.#all.values()].map(({ cancel, again, running, ...schedule }) => ({
      ...schedule,
      running: running !== undefined,
    }));
  }

  async run(name: string): Promise<unknown> {
    const schedule = this.#find(name);
    while (schedule.running) await schedule.running.catch(() => undefined);
    schedule.running = this.#start(schedule);
    return schedule.running;
  }

  setEvery(name: string, minutes: number) {
    const schedule = this.#find(name);
    schedule.everyMinutes = minutes;
    this.#arm(schedule);
  }

  async idle() {
    for (const schedule of this.#all.values()) while (schedule.running) await schedule.running.catch(() => undefined);
  }

  stop() {
    for (const schedule of this.#all.values()) {
      schedule.cancel();
      schedule.again = false;
    }
  }

  #find(name: string): Schedule {
    const schedule = this.#all.get(name);
    if (!schedule) throw new Error(`There is no schedule "${name}".`);
    return schedule;
  }

  #arm(schedule: Schedule) {
    const { clock, enabled = true } = this.options;
    schedule.cancel();
    if (!enabled) return;
    schedule.nextRun = clock.now() + schedule.everyMinutes * 60_000;
    schedule.cancel = clock.at(schedule.nextRun, () => {
      this.#tick(schedule);
      this.#arm(schedule);
    });
  }

  #tick(schedule: Schedule) {
    if (schedule.running) schedule.again = true;
    else {
      schedule.running = this.#start(schedule);
      schedule.running.catch(() => undefined); // the error is in the log and on the page
    }
  }

  async #start(schedule: Schedule): Promise<unknown> {
    const { clock, invoke } = this.options;
    schedule.lastRun = clock.now();
    const event = toEvent(schedule.name, clock.now());
    try {
      const result = await Promise.resolve().then(() => invoke(schedule.function, event));
      delete schedule.error;
      return result;
    } catch (error) {
      schedule.error = (error as Error).message;
      throw error;
    } finally {
      schedule.running = undefined;
      if (schedule.again) {
        schedule.again = false;
        this.#tick(schedule);
      }
    }
  }
}

import type { Environment } from "./environment.js";

/** No environment became free in time; on AWS the function would be throttled. */
export class Throttled extends Error {
  override name = "Throttled";
}

/** The environments of one function: started on demand up to a maximum, the warmest used first. */
export interface Pool {
  readonly function: string;
  /** Waits for a free environment at most `waitMs`. @throws Throttled, or what the handler threw */
  invoke(event: unknown, options?: { waitMs?: number }): Promise<unknown>;
  environments(): { pid: number; busy: boolean; startedAt: number; served: number }[];
  pids(): number[];
  /** Requests that run or wait. */
  pending(): number;
  /** Starts environments until there are `count`. */
  prewarm(count: number): Promise<void>;
  /** `kill -9` to each environment; the next requests start new ones. */
  killAll(): void;
  stop(): Promise<void>;
}

export interface PoolOptions {
  readonly function: string;
  readonly maximum: number;
  readonly timeoutMs: number;
  start(): Environment;
  /** An environment that idles longer ends; the last one stays. Milliseconds. */
  readonly idleMs?: number;
}

interface Member {
  readonly environment: Environment;
  served: number;
  usedAt: number;
}

interface Waiter {
  resolve(member: Member): void;
  reject(error: Error): void;
}

/** Makes the pool of one function; nothing starts before the first request or `prewarm`. */
export const createPool = (options: PoolOptions): Pool => new EnvironmentPool(options);

class EnvironmentPool implements Pool {
  readonly function: string;
  readonly #members = new Set<Member>();
  /** The most recently used is the last. */
  readonly #free: Member[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #reaper: NodeJS.Timeout;
  #starting = 0;
  #running = 0;
  #stopped = false;

  constructor(readonly options: PoolOptions) {
    this.function = options.function;
    this.#reaper = setInterval(() => this.#reap(), 30_000).unref();
  }

  async invoke(event: unknown, { waitMs = 60_000 } = {}): Promise<unknown> {
    if (this.#stopped) throw new Throttled(`The pool of "${this.function}" is stopped.`);
    this.#running += 1;
    try {
      const member = await this.#acquire(waitMs);
      member.served += 1;
      try {
        return await member.environment.invoke(event, { timeoutMs: this.options.timeoutMs });
      } finally {
        this.#release(member);
      }
    } finally {
      this.#running -= 1;
    }
  }

  environments() {
    return [...this.#members].map(({ environment: { pid, busy, startedAt }, served }) => ({
      pid,
      busy,
      startedAt,
      served,
    }));
  }

  pids() {
    return [...this.#members].map(({ environment }) => environment.pid);
  }

  pending() {
    return this.#running;
  }

  async prewarm(count: number) {
    this.#grow(count - this.#members.size + this.#starting);
    await Promise.all([...this.#members].map(({ environment }) => environment.ready));
  }

  killAll() {
    for (const { environment } of this.#members) environment.kill();
  }

  async stop() {
    this.#stopped = true;
    clearInterval(this.#reaper);
    for (const waiter of this.#waiting.splice(0))
      waiter.reject(new Throttled(`The pool of "${this.function}" is stopped.`));
    const ends = [...this.#members].map(({ environment }) => environment.exited);
    this.killAll();
    await Promise.all(ends);
  }

  #acquire(waitMs: number): Promise<Member> {
    const warm = this.#free.findLast(({ environment }) => environment.alive);
    if (warm) {
      this.#take(warm);
      return Promise.resolve(warm);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: (member) => {
          clearTimeout(timer);
          resolve(member);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(new Throttled(`No environment of "${this.function}" became free within ${waitMs} ms.`));
      }, waitMs);
      this.#waiting.push(waiter);
      this.#grow(this.#waiting.length);
    });
  }

  /** Starts an environment for each waiting request, as Lambda does; a request takes the first free one. */
  #grow(wanted: number) {
    while (!this.#stopped && this.#starting < wanted && this.#members.size < this.options.maximum) this.#start();
  }

  #start() {
    const member: Member = { environment: this.options.start(), served: 0, usedAt: Date.now() };
    this.#members.add(member);
    this.#starting += 1;
    member.environment.ready.then(
      () => {
        this.#starting -= 1;
        this.#release(member);
      },
      (error: Error) => {
        this.#starting -= 1;
        this.#waiting.shift()?.reject(error);
      },
    );
    void member.environment.exited.then(() => {
      this.#members.delete(member);
      this.#take(member);
      this.#grow(this.#waiting.length);
    });
  }

  #release(member: Member) {
    if (!member.environment.alive) return;
    member.usedAt = Date.now();
    const next = this.#waiting.shift();
    if (next) next.resolve(member);
    else this.#free.push(member);
  }

  #take(member: Member) {
    const index = this.#free.indexOf(member);
    if (index >= 0) this.#free.splice(index, 1);
  }

  #reap() {
    const { idleMs = 5 * 60_000 } = this.options;
    for (const member of this.#free.filter(({ usedAt }) => Date.now() - usedAt > idleMs)) {
      if (this.#members.size === 1) return;
      this.#members.delete(member);
      this.#take(member);
      member.environment.kill();
    }
  }
}

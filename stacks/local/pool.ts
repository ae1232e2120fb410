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
  free: boolean;
}

interface Waiter {
  resolve(member: Member): void;
  reject(error: Error): void;
}

/** Makes the pool of one function; nothing starts before the first request or `prewarm`. */
export function createPool({ function: name, maximum, timeoutMs, start, idleMs = 5 * 60_000 }: PoolOptions): Pool {
  const members = new Set<Member>();
  const free: Member[] = [];
  const waiting: Waiter[] = [];
  let starting = 0;
  let running = 0;
  let stopped = false;

  const take = (member: Member) => {
    member.free = false;
    free.splice(free.indexOf(member), 1);
  };

  const release = (member: Member) => {
    if (!member.environment.alive) return;
    member.usedAt = Date.now();
    const next = waiting.shift();
    if (next) return next.resolve(member);
    member.free = true;
    free.push(member);
  };

  /** Starts as many as are waited for, as Lambda does; a request takes whichever is free first. */
  const grow = (wanted: number) => {
    while (!stopped && starting < wanted && members.size < maximum) {
      const member: Member = { environment: start(), served: 0, usedAt: Date.now(), free: false };
      members.add(member);
      starting += 1;
      member.environment.ready.then(
        () => {
          starting -= 1;
          release(member);
        },
        (error: Error) => {
          starting -= 1;
          waiting.shift()?.reject(error);
        },
      );
      member.environment.exited.then(() => {
        members.delete(member);
        if (member.free) take(member);
        grow(waiting.length);
      });
    }
  };

  const acquire = (waitMs: number): Promise<Member> => {
    const warm = free.findLast(({ environment }) => environment.alive);
    if (warm) {
      take(warm);
      return Promise.resolve(warm);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(new Throttled(`No environment of "${name}" became free within ${waitMs} ms.`));
      }, waitMs);
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
      waiting.push(waiter);
      grow(waiting.length);
    });
  };

  const reaper = setInterval(() => {
    const old = free.filter(({ usedAt }) => Date.now() - usedAt > idleMs);
    for (const member of old) if (members.size > 1) end(member);
  }, 30_000);
  reaper.unref();

  const end = (member: Member) => {
    if (member.free) take(member);
    members.delete(member);
    member.environment.kill();
  };

  return {
    function: name,
    async invoke(event, { waitMs = 60_000 } = {}) {
      if (stopped) throw new Throttled(`The pool of "${name}" is stopped.`);
      running += 1;
      try {
        const member = await acquire(waitMs);
        try {
          member.served += 1;
          return await member.environment.invoke(event, { timeoutMs });
        } finally {
          release(member);
        }
      } finally {
        running -= 1;
      }
    },
    environments: () =>
      [...members].map(({ environment: { pid, busy, startedAt }, served }) => ({ pid, busy, startedAt, served })),
    pids: () => [...members].map(({ environment }) => environment.pid),
    pending: () => running,
    async prewarm(count) {
      grow(count - members.size + starting);
      await Promise.all([...members].map(({ environment }) => environment.ready));
    },
    killAll() {
      for (const { environment } of members) environment.kill();
    },
    async stop() {
      stopped = true;
      clearInterval(reaper);
      for (const waiter of waiting.splice(0)) waiter.reject(new Throttled(`The pool of "${name}" is stopped.`));
      const ends = [...members].map(({ environment }) => environment.exited);
      for (const { environment } of members) environment.kill();
      await Promise.all(ends);
    },
  };
}

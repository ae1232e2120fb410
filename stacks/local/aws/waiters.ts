/** Wakes one of those who wait: long polls of a queue. */
export function createBell() {
  const waiting = new Set<() => void>();

  /** Until rung, `ms` real milliseconds have passed, or `signal` aborts. */
  function wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiting.add(done);
      signal?.addEventListener("abort", done);
    });
  }

  function ring() {
    const [wake] = waiting;
    wake?.();
  }

  function ringAll() {
    for (const wake of [...waiting]) wake();
  }

  return { wait, ring, ringAll };
}

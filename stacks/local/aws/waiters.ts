/** Long polls of a queue: each waits for a message or for its end. */
export function createWaiters() {
  const waiting = new Set<() => void>();

  /** Resolves when woken, after `ms` real milliseconds, or when `signal` aborts. */
  function wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        waiting.delete(finish);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      waiting.add(finish);
      signal?.addEventListener("abort", finish);
    });
  }

  /** Wakes the poll that has waited longest. */
  function wakeOne() {
    const [wake] = waiting;
    wake?.();
  }

  function wakeAll() {
    for (const wake of [...waiting]) wake();
  }

  return { wait, wakeOne, wakeAll };
}

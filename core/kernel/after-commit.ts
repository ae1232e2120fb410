/**
 * What is left of a request once its intent is committed: the call of a provider, which no transaction may wait for.
 * It may run again after a crash, so it finds out what has been done instead of assuming that nothing was.
 */
export class AfterCommit<T> {
  constructor(readonly run: () => Promise<T>) {}

  map<U>(to: (value: T) => U): AfterCommit<U> {
    return new AfterCommit(async () => to(await this.run()));
  }
}

export const afterCommit = <T>(run: () => Promise<T>): AfterCommit<T> => new AfterCommit(run);

/** The end of what may have been put off. */
export const runAfterCommit = <T>(value: T | AfterCommit<T>): T | Promise<T> =>
  value instanceof AfterCommit ? value.run() : value;

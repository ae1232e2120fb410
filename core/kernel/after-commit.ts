/**
 * The rest of a request after its intent is committed: the call of a provider, which no transaction may wait for. It
 * may run again after a crash, so it must find out which part is done instead of assuming that none is.
 */
export class AfterCommit<T> {
  constructor(readonly run: () => Promise<T>) {}

  map<U>(to: (value: T) => U): AfterCommit<U> {
    return new AfterCommit(async () => to(await this.run()));
  }
}

export const afterCommit = <T>(run: () => Promise<T>): AfterCommit<T> => new AfterCommit(run);

/** Runs the rest of a request, if there is one; any other value is returned as it is. */
export const runAfterCommit = <T>(value: T | AfterCommit<T>): T | Promise<T> =>
  value instanceof AfterCommit ? value.run() : value;

/**
 * What is left of a request once its intent is committed: the call of a provider, which no transaction may wait for.
 * It may run again after a crash, so it finds out what has been done instead of assuming that nothing was.
 */
export class Later<T> {
  constructor(readonly finish: () => Promise<T>) {}

  map<U>(to: (value: T) => U): Later<U> {
    return new Later(async () => to(await this.finish()));
  }
}

export const later = <T>(finish: () => Promise<T>): Later<T> => new Later(finish);

/** The end of what may have been put off. */
export const finished = <T>(value: T | Later<T>): T | Promise<T> => (value instanceof Later ? value.finish() : value);

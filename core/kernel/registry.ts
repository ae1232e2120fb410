/** @throws Error that says which name is given twice */
export function requireUnique(kind: string, names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`The ${kind} "${twice}" is declared twice.`);
}

/**
 * The declarations of one kind by all modules, for the domain functions that need all of them. The list of modules
 * fills the registry at start; without that list a process throws an error, instead of working with no declarations.
 * @param kind in the singular, for messages
 */
export class Registry<Item> {
  #items: ReadonlyMap<string, Item> | undefined;

  constructor(
    readonly kind: string,
    readonly nameOf: (item: Item) => string,
  ) {}

  /** @throws Error when a name is declared twice */
  fill(items: readonly Item[]): void {
    requireUnique(this.kind, items.map(this.nameOf));
    this.#items = new Map(items.map((item) => [this.nameOf(item), item]));
  }

  get #filled(): ReadonlyMap<string, Item> {
    if (this.#items) return this.#items;
    throw new Error(`No ${this.kind} is registered: import functions/modules/index.js first.`);
  }

  /** In the order of the modules. */
  all(): readonly Item[] {
    return [...this.#filled.values()];
  }

  find(name: string): Item | undefined {
    return this.#filled.get(name);
  }
}

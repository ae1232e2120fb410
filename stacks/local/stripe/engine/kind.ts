/** Requests of one kind share the path without ids and the names of the parameters. */
export interface Kind {
  readonly call: string;
  readonly names: readonly string[];
  /** Path and form of one example. */
  readonly path: string;
  readonly form: string;
}

/** Ids have digits or capitals after an underscore; the words of a path have none. */
const withoutId = (segment: string) => (/_.*[A-Z0-9]/.test(segment) ? "{id}" : segment);

/** Metadata keys become `[*]`, list indexes `[]`. */
const withoutKeys = (name: string) =>
  name.replace(/(^metadata|\[metadata\])\[[^\]]*\]/, "$1[*]").replace(/\[\d*\]/g, "[]");

function namesOf(form: string): string[] {
  const names = form.split("&").map((pair) => pair.split("=", 1)[0] ?? "");
  return [...new Set(names.filter(Boolean).map((name) => withoutKeys(decodeURIComponent(name))))].sort();
}

const kindOf = (method: string, path: string, form: string): Kind => ({
  call: `${method} ${path.split("/").map(withoutId).join("/")}`,
  names: namesOf(form),
  path,
  form,
});

/** One request of each kind of the platform's own software; clearing the log keeps them. */
export function createKinds() {
  const known = new Map<string, Kind>();
  return {
    add(method: string, path: string, form: string, agent: string | undefined) {
      if (!agent || !/ Stoa( |$)/.test(agent)) return;
      const kind = kindOf(method, path, form);
      const name = `${kind.call} ${kind.names}`;
      if (!known.has(name)) known.set(name, kind);
    },
    list: (): Kind[] => [...known.values()],
  };
}

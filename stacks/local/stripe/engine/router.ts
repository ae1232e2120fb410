/** Finds what a path belongs to; `:id` in a route stands for one part. */
export type Router<Route> = (
  method: string,
  path: string,
) => { readonly route: Route; readonly path: Record<string, string> } | undefined;

interface Node<Route> {
  readonly fixed: Map<string, Node<Route>>;
  open?: Node<Route>;
  route?: Route;
}

/** Fixed parts win over open ones. */
export function createRouter<Route extends { readonly method: string; readonly path: string }>(
  routes: readonly Route[],
): Router<Route> {
  const root: Node<Route> = { fixed: new Map() };
  const step = (node: Node<Route>, part: string): Node<Route> => {
    if (part.startsWith(":")) {
      node.open ??= { fixed: new Map() };
      return node.open;
    }
    const next = node.fixed.get(part) ?? { fixed: new Map() };
    node.fixed.set(part, next);
    return next;
  };
  for (const route of routes) [route.method, ...route.path.split("/").slice(1)].reduce(step, root).route = route;

  return (method, path) => {
    let node: Node<Route> | undefined = root.fixed.get(method);
    const parts = path.split("/").slice(1).map(decodeURIComponent);
    for (const part of parts) node = node?.fixed.get(part) ?? node?.open;
    const route = node?.route;
    if (!route) return undefined;
    const names = route.path.split("/").slice(1);
    return {
      route,
      path: Object.fromEntries(
        names.flatMap((name, at) => (name.startsWith(":") ? [[name.slice(1), parts[at] ?? ""]] : [])),
      ),
    };
  };
}

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * The domains of core/, each above those it may import: the code of a domain imports the kernel, any schema
 * (`<noun>.sql.ts`), and the `index.ts` of domains that stand before it. A new domain takes its place here.
 */
const order = [
  ...["tenant", "region", "channel", "tax", "shipping", "incident", "stripe"], // settings and services
  ...["rate", "entitlement", "payment-account"],
  ...["identity", "catalog", "ledger", "report"],
  "mail",
  ...["inventory", "billing"],
  ...["cart", "signup"],
  "order",
  "payment",
  ...["checkout", "dispute", "reconciliation"], // flows over the others
];

const root = new URL("..", import.meta.url).pathname;
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
const text = (file: string) => readFileSync(join(root, file), "utf8");
const imports = (file: string) =>
  [...text(file).matchAll(/(?:from|import|import\()\s*"([^"]+)"/g)].map(([, name = ""]) => name);
const targets = (file: string) =>
  imports(file)
    .filter((name) => name.startsWith("."))
    .map((name) => normalize(join(dirname(file), name)).replace(/\.js$/, ".ts"));
const code = ["core", "drizzle", "functions", "plugins"].flatMap(files);
const core = files("core");
const offenders = (among: string[], wrong: (file: string) => boolean) => among.filter(wrong);
const domainOf = (file: string) => file.split("/")[1] ?? "";
const isSchema = (file: string) => file.endsWith(".sql.ts");
/** Each import of core/ that `wrong` forbids, as `from -> to`. */
const forbidden = (wrong: (from: string, to: string) => boolean) =>
  core.flatMap((from) =>
    targets(from)
      .filter((to) => to.startsWith("core/") && wrong(from, to))
      .map((to) => `${from} -> ${to}`),
  );

describe("three tiers in core/", () => {
  test("each folder is the kernel or a listed domain", () => {
    const folders = readdirSync(join(root, "core"));
    expect(folders.toSorted()).toEqual(["kernel", ...order].toSorted());
  });

  test("the kernel knows no domain", () => {
    expect(forbidden((from, to) => domainOf(from) === "kernel" && domainOf(to) !== "kernel")).toEqual([]);
  });

  test("a schema imports schemas and the kernel only", () => {
    const isCode = (file: string) => domainOf(file) !== "kernel" && !isSchema(file);
    expect(forbidden((from, to) => isSchema(from) && isCode(to))).toEqual([]);
  });

  test("a domain imports domains below it only", () => {
    const rank = (file: string) => order.indexOf(domainOf(file));
    const isUp = (from: string, to: string) => !isSchema(to) && rank(from) >= 0 && rank(to) > rank(from);
    expect(forbidden(isUp)).toEqual([]);
  });

  test("a domain imports another one's schema or index.ts, and no other file of it", () => {
    const isDoor = (to: string) => isSchema(to) || to === `core/${domainOf(to)}/index.ts`;
    const isForeign = (from: string, to: string) => domainOf(from) !== domainOf(to) && domainOf(to) !== "kernel";
    expect(forbidden((from, to) => isForeign(from, to) && !isDoor(to))).toEqual([]);
  });
});

describe("the house", () => {
  test("imports point one way: functions → core → drizzle", () => {
    const upwards = (folder: string, above: RegExp) =>
      offenders(files(folder), (file) => targets(file).some((to) => above.test(to)));
    expect(upwards("drizzle", /^(core|functions|stacks|plugins)\//)).toEqual([]);
    expect(upwards("core", /^(functions|stacks|plugins)\//)).toEqual([]);
    expect(upwards("functions", /^stacks\//)).toEqual([]);
  });

  test("no files import one another in a circle", () => {
    expect(circles(code)).toEqual([]);
  });

  test("the domain knows no HTTP and no AWS", () => {
    const outside = /^(hono|@hono|@aws|aws-lambda|node:https?$)/;
    expect(
      offenders([...core, ...files("drizzle")], (file) => imports(file).some((name) => outside.test(name))),
    ).toEqual([]);
    expect(
      offenders(files("functions/modules"), (file) => targets(file).some((to) => to.startsWith("drizzle/"))),
    ).toEqual([]);
  });

  test("one file reads the environment", () => {
    expect(offenders(code, (file) => /process\.env/.test(text(file)))).toEqual(["core/kernel/config.ts"]);
  });

  test("one file opens a tenant's transaction, and nothing goes round the dialect", () => {
    const door = /\b(withTenant|readTenant)\(/;
    expect(offenders([...core, ...files("functions")], (file) => door.test(text(file)))).toEqual(["core/kernel/db.ts"]);
    const around = /\.\$count\(|new QueryBuilder|\.prepare\(|\.query\.\w+\.find|\.select\(\s*\(?\w*\)?\s*=>/;
    expect(offenders([...core, ...files("functions")], (file) => around.test(text(file)))).toEqual([]);
  });

  test("every table belongs to tenants", () => {
    const schemas = core.filter(isSchema);
    expect(offenders(schemas, (file) => /\bpgTable\(/.test(text(file)))).toEqual([]);
    const isInexact = (file: string) => /\b(real|doublePrecision|numeric)\(/.test(text(file));
    expect(offenders(schemas, isInexact)).toEqual(["core/rate/rate.sql.ts"]); // tokens, not money
  });

  test("an id prefix is declared once, beside its table", () => {
    const declared = code.flatMap((file) =>
      [...text(file).matchAll(/\bid\("([a-z]+)"\)/g)].map(([, prefix = ""]) => ({ file, prefix })),
    );
    expect(declared.filter(({ file }) => !isSchema(file))).toEqual([]);
    const prefixes = declared.map(({ prefix }) => prefix);
    expect(prefixes.filter((prefix, index) => prefixes.indexOf(prefix) !== index)).toEqual([]);
    expect(prefixes.length).toBeGreaterThan(20);
  });

  test("files stop at 250 lines", () => {
    const all = [...code, ...files("stacks"), ...files("tests")];
    expect(offenders(all, (file) => text(file).split("\n").length > 251)).toEqual([]);
  });
});

/** Groups of files that import one another (Tarjan's strongly connected components), types included. */
function circles(among: readonly string[]): string[] {
  const known = new Set(among);
  const [index, low, stack, found] = [
    new Map<string, number>(),
    new Map<string, number>(),
    [] as string[],
    [] as string[],
  ];
  const visit = (file: string): number => {
    const mine = index.size;
    index.set(file, mine);
    low.set(file, mine);
    stack.push(file);
    for (const to of targets(file)) {
      if (!known.has(to) || to === file) continue;
      const reached = index.has(to) ? (stack.includes(to) ? (index.get(to) ?? mine) : mine) : visit(to);
      low.set(file, Math.min(low.get(file) ?? mine, reached));
    }
    if (low.get(file) === mine) {
      const group = stack.splice(stack.indexOf(file));
      if (group.length > 1) found.push(group.toSorted().join(" "));
    }
    return low.get(file) ?? mine;
  };
  for (const file of among) if (!index.has(file)) visit(file);
  return found;
}

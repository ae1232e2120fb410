import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));
const text = (file: string) => readFileSync(join(root, file), "utf8");
const imports = (file: string) =>
  [...text(file).matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, name = ""]) => name);
const code = ["core", "drizzle", "functions", "plugins"].flatMap(files);
const offenders = (among: string[], wrong: (file: string) => boolean) => among.filter(wrong);

describe("the house", () => {
  test("imports point one way: functions → core → drizzle", () => {
    expect(
      offenders(files("drizzle"), (file) =>
        imports(file).some((name) => /\/(core|functions|stacks|plugins)\//.test(name)),
      ),
    ).toEqual([]);
    expect(
      offenders(files("core"), (file) => imports(file).some((name) => /\/(functions|stacks|plugins)\//.test(name))),
    ).toEqual([]);
    expect(offenders(files("functions"), (file) => imports(file).some((name) => /\/stacks\//.test(name)))).toEqual([]);
  });

  test("the domain knows no HTTP and no AWS", () => {
    const outside = /^(hono|@hono|@aws|aws-lambda|node:https?$)/;
    expect(
      offenders([...files("core"), ...files("drizzle")], (file) => imports(file).some((name) => outside.test(name))),
    ).toEqual([]);
    expect(
      offenders(files("functions/modules"), (file) => imports(file).some((name) => name.includes("drizzle"))),
    ).toEqual([]);
  });

  test("one file reads the environment", () => {
    expect(offenders(code, (file) => /process\.env/.test(text(file)))).toEqual(["core/kernel/config.ts"]);
  });

  test("one file opens a tenant's transaction, and nothing goes round the dialect", () => {
    const door = /\b(withTenant|readTenant)\(/;
    expect(offenders([...files("core"), ...files("functions")], (file) => door.test(text(file)))).toEqual([
      "core/kernel/db.ts",
    ]);
    const around = /\.\$count\(|new QueryBuilder|\.prepare\(|\.query\.\w+\.find|\.select\(\s*\(?\w*\)?\s*=>/;
    expect(offenders([...files("core"), ...files("functions")], (file) => around.test(text(file)))).toEqual([]);
  });

  test("every table belongs to tenants", () => {
    const tables = files("core").filter((file) => file.endsWith(".sql.ts"));
    expect(offenders(tables, (file) => /\bpgTable\(/.test(text(file)))).toEqual([]);
    expect(offenders(tables, (file) => /\b(real|doublePrecision|numeric)\(/.test(text(file)))).toEqual([
      "core/rate/rate.sql.ts",
    ]); // tokens, not money
  });

  test("files stop at 250 lines", () => {
    const all = [...code, ...files("stacks"), ...files("tests")];
    expect(offenders(all, (file) => text(file).split("\n").length > 251)).toEqual([]);
  });
});

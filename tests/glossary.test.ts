import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const code = ["core", "drizzle", "functions", "plugins", "stacks"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(root, folder, name)),
  )
  .filter((file) => /\.(ts|sql)$/.test(file) && !/migrations\/|stacks\/local\//.test(file))
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** A path of a file or folder, or a name, which is no part of a longer one. */
const isInCode = (name: string) =>
  name.includes("/")
    ? existsSync(join(root, name))
    : new RegExp(`(?<![\\w$-])${name.replace(/\W/g, "\\$&")}(?![\\w$-])`).test(code);

const terms = readFileSync(join(root, "docs/glossary.md"), "utf8");
const rows = terms
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .filter((cells) => cells.length === 6 && /\w/.test(cells[1] ?? "") && cells[1] !== "Term")
  .map(([, term = "", , , names = ""]) => ({
    term,
    isToCome: names.includes("(to come)"),
    names: [...names.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? []),
  }));

test("each term of the glossary has a name in the code, unless it is to come", () => {
  expect(rows.length).toBeGreaterThan(100);
  const wrong = rows.filter(
    ({ names, isToCome }) => names.length === 0 || names.some((name) => isInCode(name) === isToCome),
  );
  expect(wrong.map(({ term }) => term)).toEqual([]);
});

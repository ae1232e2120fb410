import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;

/** Files that declare operations of the API, each named after its noun. */
const folder = join(root, "functions/modules");
const nouns = readdirSync(folder)
  .filter((name) => /\bendpoint\(/.test(readFileSync(join(folder, name), "utf8")))
  .map((name) => name.replace(/\.ts$/, ""));

test("each noun of the API has a test of its own", () => {
  expect(nouns.length).toBeGreaterThan(15);
  expect(nouns.filter((noun) => !existsSync(join(root, `tests/api/${noun}.test.ts`)))).toEqual([]);
});

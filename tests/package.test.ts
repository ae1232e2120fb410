import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
const { scripts, packageManager } = JSON.parse(read("package.json"));

test("no command needs a script before or after it, which npm leaves out with `ignore-scripts`", () => {
  expect(Object.keys(scripts).filter((name) => /^(?:pre|post)(?!view)/.test(name))).toEqual([]);
});

test("the package manager is pinned by version and hash", () => {
  expect(packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128}$/);
});

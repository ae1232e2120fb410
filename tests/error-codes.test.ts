import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const own = "error-codes.test.ts";

const catalogue = [...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^## (.+)$/gm)].map(
  ([, code = ""]) => code,
);
const tests = readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts") && name !== own)
  .map((name) => readFileSync(join(root, "tests", name), "utf8"));

/** A code is named as a text of its own, or after its status: `"409 stock.insufficient"`. */
const named = new Set(
  tests.flatMap((text) =>
    [...text.matchAll(/["`](?:\d{3} ([a-z_.]+)(?: [^"`]+)?|([a-z_.]+))["`]/g)].map(
      ([, after, alone]) => after ?? alone,
    ),
  ),
);

test("each error code is named by a test that provokes it", () => {
  expect(catalogue.length).toBeGreaterThan(90);
  expect(catalogue.filter((code) => !named.has(code))).toEqual([]);
});

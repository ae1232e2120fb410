import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;

/** Files that declare operations of the API, each named after its noun. */
const nouns = ["functions/routes", "functions/modules"]
  .map((folder) => join(root, folder))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .filter((file) => file.endsWith(".ts") && /\bendpoint\(/.test(readFileSync(file, "utf8")))
  .map((file) => file.replace(/^.*\/|\.ts$/g, ""));

const untested = {
  shop: ["api-key", "auth", "catalog", "inventory", "member", "pricing", "shipping", "store-catalog", "tax", "tenant"],

  sales: ["billing", "cart", "event", "order", "payment-account", "report", "usage"],
};

test("each noun of the API has a test of its own", () => {
  expect(nouns.length).toBeGreaterThan(15);
  const missing = nouns.filter((noun) => !existsSync(join(root, `tests/api/${noun}.test.ts`)));
  expect(missing.sort()).toEqual([...untested.shop, ...untested.sales].sort());
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { operations } from "../isolation/operation.js";
import { findSilentAlarms, listAlarms } from "../support/alarm.js";
import { isNight } from "../support/size.js";
import { Copy } from "./copy.js";

/** What the project's own tests and a deployment find in a tree with a plugin. */

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });
const source = join(projectRoot, "tests/loyalty");
const copy = new Copy();
const names = () => listAlarms(copy.root).map(({ name }) => name);

beforeAll(() => copy.add("loyalty", source));
afterAll(() => copy.delete());

test("a deployment gets the plugin's alarm, whose metric the plugin emits", () => {
  const alarms = listAlarms(copy.root);
  const loyalty = alarms.find(({ name }) => name === "LoyaltyExpiry");
  expect(loyalty).toMatchObject({ metric: "LoyaltyAccountsExpired", threshold: 1_000 });
  expect(findSilentAlarms(copy.root, alarms)).toEqual([]);
});

test("the isolation and role matrices include the plugin's operations", async () => {
  const before = await operations();
  const ids = isNight ? ["tests/isolation/ids.test.ts"] : []; // three minutes more
  const { success, testResults } = await copy.test(["tests/isolation/matrix.test.ts", ...ids]);
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = results
    .filter(({ status }) => status !== "passed")
    .map(({ title, failureMessages: [why] }) => [title, why]);
  expect([testResults.map(({ message }) => message).filter(Boolean), failures]).toEqual([[], []]);
  expect(success).toBe(true);
  const counted = results.find(({ meta }) => "operations" in meta)?.meta;
  expect(counted?.operations).toBe(before.length + 3);
});

test("a removed plugin takes its alarm with it", () => {
  expect(names()).toContain("LoyaltyExpiry");
  copy.remove("loyalty");
  expect(names()).not.toContain("LoyaltyExpiry");
});

test("plugins/README.md shows this plugin's own code", () => {
  const files = readdirSync(source).map((name) => readFileSync(join(source, name), "utf8"));
  const readme = readFileSync(join(projectRoot, "plugins/README.md"), "utf8");
  const shown = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code.trim());
  expect(shown.length).toBeGreaterThan(3);
  expect(shown.filter((code) => !files.some((file) => file.includes(code)))).toEqual([]);
});

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { browsed, readAddress, rememberPort } from "../stacks/local/address.js";

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
const { scripts, packageManager } = JSON.parse(read("package.json"));

test("no command needs a script before or after it, which npm leaves out with `ignore-scripts`", () => {
  expect(Object.keys(scripts).filter((name) => /^(?:pre|post)(?!view)/.test(name))).toEqual([]);
});

test("the package manager is pinned by version and hash", () => {
  expect(packageManager).toMatch(/^pnpm@\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128}$/);
});

test("CI installs nothing whose version or content floats", () => {
  const actions = [...read(".github/workflows/ci.yml").matchAll(/uses: (\S+)/g)].map(([, action]) => action);
  expect(actions.length).toBeGreaterThan(3);
  expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action ?? ""))).toEqual([]);
  const script = read(".ci/run");
  expect(script).toMatch(/version=24\.\d+\.\d+/);
  expect(script).not.toMatch(/@(?:latest|\d+)"/);
});

test("the bill of materials has every package of the lock file, each with its hash", () => {
  const bill = JSON.parse(execFileSync(process.execPath, [".ci/sbom.mjs"], { encoding: "utf8", maxBuffer: 2 ** 25 }));
  expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
  const locked = read("pnpm-lock.yaml").match(/integrity: /g) ?? [];
  expect(bill.components).toHaveLength(locked.length);
  for (const { purl, hashes } of bill.components)
    expect([purl, hashes[0].content]).toEqual([
      expect.stringMatching(/^pkg:npm\//),
      expect.stringMatching(/^[0-9a-f]{128}$/),
    ]);
  const scopes = new Map(bill.components.map(({ name, scope }: { name: string; scope: string }) => [name, scope]));
  expect([scopes.get("hono"), scopes.get("vitest")]).toEqual(["required", "excluded"]);
});

test("a credential in a tracked file is found, and there is none", () => {
  expect(execFileSync(process.execPath, [".ci/secrets.mjs"], { encoding: "utf8" })).toContain(" 0 credentials");
});

test("HOST and PORT come from the environment, then from the last start", () => {
  const home = mkdtempSync(join(tmpdir(), "stoa-address-"));
  try {
    expect(readAddress(home, {})).toEqual({ host: "127.0.0.1", port: 3000, isChosen: false });
    rememberPort(home, "http://127.0.0.1:3005");
    expect(readAddress(home, {})).toEqual({ host: "127.0.0.1", port: 3005, isChosen: false });
    expect(readAddress(home, { HOST: "0.0.0.0", PORT: "80" })).toEqual({ host: "0.0.0.0", port: 80, isChosen: true });
    for (const PORT of ["web", "0", "65535", "3000.5"])
      expect(() => readAddress(home, { PORT })).toThrow("between 1 and 65534");
    expect(["0.0.0.0", "::", "::1", "shop.test"].map(browsed)).toEqual([
      "127.0.0.1",
      "127.0.0.1",
      "[::1]",
      "shop.test",
    ]);
  } finally {
    rmSync(home, { recursive: true });
  }
});

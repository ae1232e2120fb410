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

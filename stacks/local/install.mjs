// Before `npm start` and `npm test`: installs with the pinned pnpm when something changed. Plain JavaScript without
// dependencies, because there may be none yet.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const mark = join(root, "node_modules/.stoa-lock");

function fail(message) {
  console.error(message);
  process.exit(1);
}

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Stoa needs Node 20.19 or newer; this is ${process.versions.node}.`);

const packageJson = readFileSync(join(root, "package.json"), "utf8");
const wanted = createHash("sha256")
  .update(packageJson)
  .update(readFileSync(join(root, "pnpm-lock.yaml")))
  .update(`${process.platform}-${process.arch}`)
  .digest("hex");
const installed = existsSync(mark) ? readFileSync(mark, "utf8") : "";

if (installed !== wanted) {
  const { packageManager } = JSON.parse(packageJson);
  console.log(`Installing dependencies with ${packageManager} (only when they changed).`);
  const { status, error } = spawnSync("npx", ["--yes", packageManager.split("+")[0], "install", "--frozen-lockfile"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0)
    fail(
      `The dependencies could not be installed${error ? ` (${error.message})` : ""}. Is the npm registry reachable? ` +
        `To see more: npx ${packageManager} install --frozen-lockfile`,
    );
  writeFileSync(mark, wanted);
}

// The repository's own hooks, unless somebody chose others. Never a reason to stop.
if (existsSync(join(root, ".git")) && existsSync(join(root, ".githooks"))) {
  const git = (...words) => spawnSync("git", ["config", ...words], { cwd: root, encoding: "utf8" });
  if (git("core.hooksPath").status === 1) git("core.hooksPath", ".githooks");
}

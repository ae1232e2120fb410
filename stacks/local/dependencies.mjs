// Installs the dependencies when something changed. Plain JavaScript, because there may be none yet.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runPnpm } from "./pnpm.mjs";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const mark = join(root, "node_modules/.stoa-lock");

/** Says "Stopped." and ends this process, whatever it waits for. */
export function endOnSignal() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.once(signal, () => {
      console.log("\nStopped.");
      process.exit(130);
    });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The sentence about a full disk, when that is why something failed. */
function fullDisk() {
  const { bavail, bsize } = statfsSync(root);
  const megabytes = Math.floor((bavail * bsize) / 2 ** 20);
  return megabytes < 600
    ? `Only ${megabytes} MB are free on this disk; the dependencies need about 600 MB.`
    : undefined;
}

/** Says every ten seconds that the work goes on. */
async function withProgress(work) {
  const began = Date.now();
  const timer = setInterval(() => {
    console.log(`  … ${Math.round((Date.now() - began) / 1000)} s`);
  }, 10_000);
  return work.finally(() => clearInterval(timer));
}

/** The repository's own hooks, unless somebody chose others. Never a reason to stop. */
function offerHooks() {
  if (!existsSync(join(root, ".git")) || !existsSync(join(root, ".githooks"))) return;
  const git = (...words) => spawnSync("git", ["config", ...words], { cwd: root, encoding: "utf8" });
  if (git("core.hooksPath").status !== 1 || git("core.hooksPath", ".githooks").status !== 0) return;
  console.log("Git runs the checks in .githooks before each commit of this clone (`git config core.hooksPath`).");
}

/** Ends this process with a sentence when the dependencies cannot be installed. */
export async function installDependencies() {
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
    const name = packageManager.split("+")[0];
    console.log(`Installing the dependencies with ${name}, which takes about a minute the first time.`);
    // The age of what the lock file names was asked when it was chosen.
    const ended = await withProgress(
      runPnpm(root, packageManager, ["install", "--frozen-lockfile", "--config.minimumReleaseAge=0"]),
    );
    if (ended !== 0)
      fail(
        `The dependencies could not be installed (${ended}). ` +
          (fullDisk() ?? `Is the npm registry reachable? To see more: npx ${name} install --frozen-lockfile`),
      );
    writeFileSync(mark, wanted);
  }
  offerHooks();
}

// The package manager of `package.json`, fetched by npm and compared with hashes before it runs. Plain JavaScript
// without dependencies, because there may be none yet.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const isWindows = process.platform === "win32";

/**
 * Hashes of pnpm's program by platform, for the version in `packageManager`, whose own hash covers only the package
 * that chooses among them. A platform without a hash gets what the registry says.
 */
const programs = {
  "linux-x64": "sha512-8eufCjHXspKbNS/kh8q4Q0gqJoOuvC4Q5pgos6XS8By/nAMtP+jf8F1Cw9er840kfAX+PJ/ts+A9qnLE91rvXQ==",
  "linux-arm64": "sha512-4Oj/iF2TDCe2lcH0n4TupPR5sSdrNLclJB6xBElLMPCUOAvBhdf2rRlSaO5M4erJ6g4Fyy7YTXTpcmfFsKyxEA==",
};

/** Runs a program to its end; it ends with this process. @returns its exit code, or the reason why it did not start */
function run(program, words, options = {}) {
  const child = spawn(program, words, { stdio: "inherit", ...options });
  const end = () => child.kill();
  process.once("exit", end);
  return new Promise((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code) => resolve(code ?? "interrupted"));
  }).finally(() => process.off("exit", end));
}

/** `pnpm@1.2.3+sha512.<hex>`, as Corepack reads it. @throws Error without a hash */
function pinOf(packageManager) {
  const [, version, hex] = /^pnpm@([\d.]+)\+sha512\.([0-9a-f]{128})$/.exec(packageManager) ?? [];
  if (!version) throw new Error("`packageManager` in package.json is not a version of pnpm with its sha512.");
  return { version, integrity: `sha512-${Buffer.from(hex, "hex").toString("base64")}` };
}

/** The lock file of a folder with pnpm alone: npm refuses a package that has another hash. */
function lockOf({ version, integrity }) {
  const platform = `${process.platform}-${process.arch}`;
  const program = `@pnpm/exe.${platform}`;
  const root = { name: "pnpm-home", version: "0.0.0", dependencies: { pnpm: version, [program]: version } };
  const packages = {
    "": root,
    "node_modules/pnpm": { version, integrity },
    [`node_modules/${program}`]: { version, ...(programs[platform] && { integrity: programs[platform] }) },
  };
  return { root, program, lock: { ...root, lockfileVersion: 3, requires: true, packages } };
}

/**
 * Runs pnpm in `root`, from a folder that is removed afterwards: npm's cache keeps the package.
 * @returns its exit code, or the reason why it did not start
 */
export async function runPnpm(root, packageManager, words, options = {}) {
  const home = join(root, ".stoa/pnpm");
  const { root: manifest, program, lock } = lockOf(pinOf(packageManager));
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ ...manifest, private: true }));
  writeFileSync(join(home, "package-lock.json"), JSON.stringify(lock));
  const quick = ["--fetch-retries=2", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=8000"];
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"];
  try {
    const fetched = await run("npm", ["ci", "--prefix", home, ...quick, ...quiet], { cwd: home, shell: isWindows });
    if (fetched !== 0) return fetched;
    const file = join(home, "node_modules", program, isWindows ? "pnpm.exe" : "pnpm");
    return await run(file, words, { ...options, cwd: root });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

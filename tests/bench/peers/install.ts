import { spawn } from "node:child_process";
import { copyFileSync, createWriteStream, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { productsOf, STOCK, sizes } from "../catalog.js";
import { home, idsFile, type PeerName, PRODUCTS, peerNames, staff } from "./home.js";
import { catalogFile, environmentOf, folderOf } from "./server.js";
import { query, startStores, stopStores } from "./store.js";

/**
 * Installs Medusa and Vendure with npm beside a PostgreSQL 15 and a Redis of their own, and puts the bench's catalog
 * into both through their own services. A peer that is complete stays as it is; `--again` makes its data anew. Nothing
 * runs afterwards.
 */
const again = process.argv.includes("--again");
const { MEDUSA_VERSION = "2.21.2", VENDURE_VERSION = "3.7.3" } = process.env;
const sources = dirname(fileURLToPath(import.meta.url));

/** Packages by version, and files of this folder → of the peer's. */
const parts: Record<PeerName, { packages: Record<string, string>; files: Record<string, string> }> = {
  medusa: {
    packages: {
      ...Object.fromEntries(["cli", "framework", "medusa"].map((name) => [`@medusajs/${name}`, MEDUSA_VERSION])),
      ioredis: "^5.4.1",
    },
    files: { "config.cjs": "medusa-config.js", "seed.cjs": "src/scripts/seed.js" },
  },
  vendure: {
    packages: { "@vendure/core": VENDURE_VERSION, pg: "^8.11.0", ioredis: "^5.4.1" },
    files: { "config.cjs": "config.js", "server.cjs": "server.js", "seed.cjs": "seed.js" },
  },
};

/** Runs a command of a peer in its folder; the output is kept. @throws when it fails */
async function run(peer: PeerName, step: string, command: string, ...args: string[]): Promise<void> {
  const since = performance.now();
  const path = join(home, "run", `${peer}-${step}.log`);
  const log = createWriteStream(path);
  const env = { ...environmentOf(peer), ...(step === "seed" && { SYNCHRONIZE: "1" }) };
  const child = spawn(command, args, { cwd: folderOf(peer), env, stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const code = await new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  await finished(log.end());
  if (code !== 0) throw new Error(`${peer}: ${step} failed (${code}); its output is in ${path}.`);
  console.log(`  ${peer}: ${step} (${Math.round((performance.now() - since) / 1000)} s)`);
}

async function install(peer: PeerName): Promise<void> {
  const folder = folderOf(peer);
  const { packages, files } = parts[peer];
  for (const [from, to] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    copyFileSync(join(sources, peer, from), join(folder, to));
  }
  const manifest = { name: `peer-${peer}`, version: "0.0.0", private: true, dependencies: packages };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  await run(peer, "install", "npm", "install", "--no-audit", "--no-fund", "--omit=dev");
}

const seed: Record<PeerName, () => Promise<void>> = {
  async medusa() {
    const cli = join("node_modules", "@medusajs", "cli", "cli.js");
    await run("medusa", "migrate", process.execPath, cli, "db:migrate");
    await run("medusa", "user", process.execPath, cli, "user", "-e", staff.email, "-p", staff.password);
    await run("medusa", "seed", process.execPath, cli, "exec", "./src/scripts/seed.js");
  },
  vendure: () => run("vendure", "seed", process.execPath, "seed.js"),
};

mkdirSync(join(home, "run"), { recursive: true });
writeFileSync(catalogFile, JSON.stringify({ products: productsOf(PRODUCTS), sizes, stock: STOCK }));
try {
  await startStores();
  for (const peer of peerNames) {
    await install(peer);
    if (existsSync(idsFile(peer)) && !again) continue;
    rmSync(idsFile(peer), { force: true });
    await query("postgres", `drop database if exists ${peer} with (force)`, `create database ${peer}`);
    await seed[peer]();
    await query(peer, "vacuum analyze");
  }
  console.log(`Medusa and Vendure are in ${home}: npm run bench -- --peers`);
} finally {
  await stopStores();
}

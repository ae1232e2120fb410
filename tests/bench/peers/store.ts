import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { serverAccount } from "../../../stacks/local/postgres/files.js";
import { type Daemon, startDaemon, stopDaemon } from "./daemon.js";
import { home, ports, postgresBin } from "./home.js";

const data = join(home, "postgres");
const run = join(home, "run");

const clientOf = (database: string) =>
  new pg.Client({ host: "127.0.0.1", port: ports.postgres, user: "postgres", database });

/** Runs statements as the superuser, each on its own: a database is not created in a transaction. */
export async function query(database: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = clientOf(database);
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

const postgres = async (): Promise<Daemon> => {
  const account = await serverAccount();
  const flags = [`port=${ports.postgres}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${run}`];
  return {
    name: "postgres",
    command: join(postgresBin, "postgres"),
    args: ["-D", data, ...flags.flatMap((flag) => ["-c", flag])],
    options: { ...account, cwd: data },
    stopSignal: "SIGINT", // a fast shutdown: sessions end, and a checkpoint is written
    ready: () => query("postgres", "select 1"),
  };
};

const redis: Daemon = {
  name: "redis",
  command: "redis-server",
  // Saves at its end, so that a peer finds what it left there.
  args: ["--port", String(ports.redis), "--bind", "127.0.0.1", "--dir", run, "--save", "3600 1"],
  ready: () =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: ports.redis, host: "127.0.0.1" }, () => resolve(socket.destroy()));
      socket.once("error", reject);
    }),
};

/** @throws when the programs are missing, or initdb fails */
async function createCluster(): Promise<void> {
  if (existsSync(join(data, "PG_VERSION"))) return;
  const account = await serverAccount();
  for (const folder of [run, data]) {
    mkdirSync(folder, { recursive: true });
    if (account) chownSync(folder, account.uid, account.gid);
  }
  const args = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"];
  const { status, stderr, error } = spawnSync(join(postgresBin, "initdb"), args, { ...account, cwd: data });
  if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? stderr}`);
}

/** PostgreSQL with its defaults, and Redis. */
export async function startStores(): Promise<void> {
  await createCluster();
  await startDaemon(await postgres());
  await startDaemon(redis);
}

export async function stopStores(): Promise<void> {
  await stopDaemon(redis);
  await stopDaemon({ name: "postgres", stopSignal: "SIGINT" });
}

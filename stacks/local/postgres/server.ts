import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Account, clusterHome, exists, serverAccount, serverFiles } from "./files.js";
import { claimHome, endProcess, stopOrphan } from "./orphan.js";

export interface Postgres {
  readonly port: number;
  /** The superuser's connection string, for migrations and tests; its password is created with the cluster. */
  readonly adminUrl: string;
  readonly pid: number;
  stop(): Promise<void>;
}

interface Server {
  readonly bin: string;
  readonly home: string;
  readonly account: Account;
}

// Neon's driver computes SCRAM in JavaScript: with the default of 4096 iterations a connection costs 150 ms.
// The passwords are random, and the server listens on 127.0.0.1 only.
const quickLogin = "scram_iterations=1";
const common = [
  ...["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "timezone=UTC"],
  ...["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=all", "log_timezone=UTC", quickLogin],
];
// A commit is always written to the system before it is answered, so that it outlives a killed server. Without
// `durable` it is not forced to the disk, and a power cut may break the cluster: for tests.
const fast = ["fsync=off", "full_page_writes=off"];

/**
 * Starts embedded PostgreSQL on 127.0.0.1 with its data in `dir`; another port when `port` is taken.
 * @throws with the last lines of the server's log when it does not start.
 */
export async function startPostgres(options: { dir: string; port?: number; durable?: boolean }): Promise<Postgres> {
  const dir = resolve(options.dir);
  const account = await serverAccount();
  const [home, files] = await Promise.all([clusterHome(dir, account), serverFiles(account)]);
  const server: Server = { bin: join(files, "bin"), home, account };
  await stopOrphan(home);
  const password = await preparePassword(dir, home);
  if (!(await exists(join(home, "cluster")))) await createCluster(server, password);
  await claimHome(home);
  const { child, port } = await launch(server, options.port ?? 0, options.durable === false ? fast : []);
  const pid = child.pid ?? 0;
  watchHost(child, pid);
  return {
    port,
    pid,
    adminUrl: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    stop: () => endProcess(pid),
  };
}

async function preparePassword(dir: string, home: string): Promise<string> {
  const path = join(dir, "password");
  if (await exists(join(home, "cluster"))) {
    return readFile(path, "utf8").catch(() => {
      throw new Error(`${path} is missing, and the database in ${home} cannot be opened without it.`);
    });
  }
  const password = randomBytes(24).toString("base64url");
  await writeFile(path, password, { mode: 0o600 });
  return password;
}

/** Creates a draft and renames it at the end, so that an interrupted start leaves no broken cluster. */
async function createCluster(server: Server, password: string): Promise<void> {
  const draft = join(server.home, "cluster.draft");
  const secret = join(server.home, "cluster.secret");
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(secret, password, { mode: 0o600 });
  if (server.account) {
    const { uid, gid } = server.account;
    await Promise.all([draft, secret].map((path) => chown(path, uid, gid)));
  }
  const { child, lines } = run(server, "initdb", [
    ...["-D", draft, "-U", "postgres", `--pwfile=${secret}`, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"],
    ...[
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--no-sync",
      "--no-instructions",
      `--set=${quickLogin}`,
    ],
  ]);
  const code = await ended(child);
  await rm(secret);
  if (code !== 0) throw new Error(`initdb failed (${code}):\n${lines.join("\n")}`);
  await rename(draft, join(server.home, "cluster"));
}

async function launch(
  server: Server,
  wanted: number,
  settings: string[],
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1, asked = wanted; ; attempt++) {
    const port = await freePort(asked);
    const flags = [...common, ...settings, `port=${port}`].flatMap((setting) => ["-c", setting]);
    const { child, lines } = run(server, "postgres", ["-D", join(server.home, "cluster"), ...flags]);
    if (await ready(child)) return { child, port };
    const log = lines.join("\n");
    const taken = /Address already in use/.test(log);
    // The last backends of a killed server take a moment to notice.
    const busy = /shared memory block|lock file .* already exists/.test(log);
    if (attempt === 20 || !(taken || busy)) throw new Error(`PostgreSQL does not start:\n${log}`);
    if (taken) asked = 0;
    else await sleep(250);
  }
}

/** Resolves with true when the server accepts connections, with false when it exits. */
function ready(child: ChildProcess): Promise<boolean> {
  return new Promise((answer) => {
    if (child.stderr) {
      createInterface(child.stderr).on("line", (line) => {
        if (line.includes("ready to accept connections")) answer(true);
      });
    }
    void ended(child).then(() => answer(false));
  });
}

function run(server: Server, program: string, args: string[]): { child: ChildProcess; lines: string[] } {
  const child = spawn(join(server.bin, program), args, {
    ...server.account,
    cwd: server.home,
    // A process group of its own: Ctrl-C reaches the host, which stops the server last. TZ spares initdb a search.
    detached: process.platform !== "win32",
    env: { PATH: "/usr/bin:/bin", TZ: "UTC", LC_ALL: "C" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > 50) lines.shift();
  };
  createInterface(child.stderr).on("line", keep);
  child.on("error", (error) => keep(error.message));
  return { child, lines };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((answer) => {
    child.once("close", (code) => answer(code));
    child.once("error", () => answer(-1));
  });
}

/** Starts a shell that stops the server when its input ends, which happens however this process ends. */
function watchHost(child: ChildProcess, pid: number): void {
  if (process.platform === "win32") return;
  const watch = spawn("/bin/sh", ["-c", 'read -r line || kill -INT "$1"', "stoa-postgres-watch", String(pid)], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watch.on("error", () => undefined);
  watch.stdin.on("error", () => undefined);
  child.once("exit", () => watch.stdin.write("done\n"));
}

async function freePort(wanted: number): Promise<number> {
  const probe = createServer();
  const port = await new Promise<number | undefined>((answer) => {
    probe.once("error", () => answer(undefined));
    probe.listen(wanted, "127.0.0.1", () => answer((probe.address() as AddressInfo).port));
  });
  if (port === undefined) return freePort(0);
  await new Promise((closed) => probe.close(closed));
  return port;
}

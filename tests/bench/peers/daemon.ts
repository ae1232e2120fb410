import { type SpawnOptions, spawn } from "node:child_process";
import { openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { home } from "./home.js";

/** A server that outlives its starter; its process id is in a file, and its output in another. */
export interface Daemon {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly options?: SpawnOptions;
  /** Asks for a graceful end. */
  readonly stopSignal?: NodeJS.Signals;
  /** Resolves when it serves. @throws while it does not */
  ready(): Promise<unknown>;
}

const pidFile = (name: string) => join(home, "run", `${name}.pid`);

/** The process id, unless it ended: a zombie has. */
function pidOf(name: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(name), "utf8"));
    const [, state] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
    return state?.startsWith("Z") ? undefined : pid;
  } catch {
    return undefined;
  }
}

/** Milliseconds that a start may take. */
const PATIENCE = 180_000;

/** Starts a server unless it runs already. @throws when it ends or does not serve in time */
export async function startDaemon({ name, command, args, options, ready }: Daemon): Promise<void> {
  if (pidOf(name) === undefined) {
    const log = openSync(join(home, "run", `${name}.log`), "a");
    const child = spawn(command, args, { ...options, detached: true, stdio: ["ignore", log, log] });
    child.once("error", () => undefined); // it has no process id then, which is noticed below
    child.unref();
    writeFileSync(pidFile(name), String(child.pid));
  }
  for (const end = Date.now() + PATIENCE; ; await sleep(100)) {
    const failure = await ready().then(
      () => undefined,
      (error: Error) => error,
    );
    if (!failure) return;
    if (pidOf(name) === undefined) throw new Error(`${name} does not run; its log is in ${join(home, "run")}.`);
    if (Date.now() > end) throw new Error(`${name} does not serve: ${failure.message}`);
  }
}

/** Ends a server and waits for its end, so that its data are on the disk. */
export async function stopDaemon({ name, stopSignal = "SIGTERM" }: Pick<Daemon, "name" | "stopSignal">): Promise<void> {
  const pid = pidOf(name);
  if (pid !== undefined) process.kill(pid, stopSignal);
  for (const end = Date.now() + 30_000; pidOf(name) !== undefined; await sleep(100))
    if (pid !== undefined && Date.now() > end) process.kill(pid, "SIGKILL");
  rmSync(pidFile(name), { force: true });
}

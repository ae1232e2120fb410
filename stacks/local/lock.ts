import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The process that holds a data folder. */
export interface Holder {
  readonly pid: number;
  /** Start time of the process, where the system tells it: pids are reused. */
  readonly began: string | undefined;
  readonly url?: string;
}

export interface Lock {
  /** Writes the holder's URL into the lock file. */
  announce(url: string): void;
  release(): void;
}

const fileOf = (dir: string) => join(dir, "lock.json");

/** Start of a process in ticks since boot (proc(5), field 22); unknown outside Linux. A zombie has ended. */
function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? "ended" : fields[18];
  } catch {
    return undefined;
  }
}

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return beganAt(pid) === began;
}

/** The living holder of a data folder; a lock whose holder was killed counts for nothing. */
export function holderOf(dir: string): Holder | undefined {
  try {
    const holder: Holder = JSON.parse(readFileSync(fileOf(dir), "utf8"));
    return isAlive(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Locks a data folder for this process and creates it if needed; returns the holder of a locked one. */
export function takeLock(dir: string): Lock | Holder {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const mine: Holder = { pid: process.pid, began: beganAt(process.pid) };
  for (let attempt = 0; ; attempt += 1) {
    try {
      writeFileSync(fileOf(dir), JSON.stringify(mine), { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt === 3) throw error;
      const holder = holderOf(dir);
      if (holder) return holder;
      rmSync(fileOf(dir), { force: true });
    }
  }
  return {
    announce: (url) => writeFileSync(fileOf(dir), JSON.stringify({ ...mine, url })),
    release: () => rmSync(fileOf(dir), { force: true }),
  };
}

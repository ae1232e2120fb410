import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** Records this process as the parent of the server in `home`. */
export async function claimHome(home: string): Promise<void> {
  await writeFile(join(home, "host.pid"), String(process.pid));
}

/**
 * Stops the server that a killed host left behind in `home`.
 * @throws when its host still lives a second later: two hosts cannot share one cluster.
 */
export async function stopOrphan(home: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const pid = await readPid(join(home, "cluster", "postmaster.pid"));
    const found = pid === undefined ? undefined : await describe(pid);
    // Pids are reused after a reboot: only a server of this folder is stopped.
    if (pid === undefined || !found?.command.includes(join(home, "cluster"))) return;
    if (found.parent !== (await readPid(join(home, "host.pid")))) return endProcess(pid);
    if (attempt === 20) {
      throw new Error(`The database in ${home} is in use by process ${found.parent}: stop that one first.`);
    }
    await sleep(50);
  }
}

/** Fast shutdown (SIGINT), after ten seconds SIGKILL, from which the next start recovers. */
export async function endProcess(pid: number): Promise<void> {
  for (const [signal, seconds] of [
    ["SIGINT", 10],
    ["SIGKILL", 2],
  ] as const) {
    if (!kill(pid, signal)) return;
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(20)) {
      // A zombie has no command.
      if (!(await describe(pid))?.command.trim()) return;
    }
  }
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function readPid(path: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readFile(path, "utf8").catch(() => ""), 10);
  return pid > 0 ? pid : undefined;
}

async function describe(pid: number): Promise<{ parent: number; command: string } | undefined> {
  try {
    if (process.platform === "linux") {
      const status = await readFile(`/proc/${pid}/stat`, "utf8");
      const [, parent] = status.slice(status.lastIndexOf(")") + 2).split(" ");
      return {
        parent: Number(parent),
        command: (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " "),
      };
    }
    const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=,command=", "-p", String(pid)]);
    return { parent: Number.parseInt(stdout, 10), command: stdout };
  } catch {
    return undefined;
  }
}

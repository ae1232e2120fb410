import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Of `sst` 4.17.1, which accepts no other (`sst version` names the one it wants when this is wrong). */
const PULUMI = "v3.215.0";
const quiet = { SST_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", SST_NO_BUN: "1", NO_BUN: "1" };

/**
 * Unpacks SST's platform, the components in TypeScript, into `.sst/platform` unless this version is there already.
 * `sst install` needs npm only, but first asks `pulumi` for its version: a stand-in in a private folder answers.
 */
export async function installPlatform(root: string): Promise<string> {
  const platform = join(root, ".sst/platform");
  const { version } = JSON.parse(await readFile(join(root, "node_modules/sst/package.json"), "utf8"));
  const installed = existsSync(join(platform, "node_modules/@pulumi/aws"))
    ? await readFile(join(platform, "version"), "utf8")
    : "";
  if (installed.trim() === version) return platform;

  const config = await mkdtemp(join(tmpdir(), "sst-config-"));
  try {
    await mkdir(join(config, "sst/bin"), { recursive: true });
    await writeFile(join(config, "sst/bin/pulumi"), `#!/bin/sh\necho ${PULUMI}\n`, { mode: 0o755 });
    await run(join(root, "node_modules/.bin/sst"), ["install"], {
      cwd: root,
      env: { ...process.env, ...quiet, SST_STAGE: "synth", XDG_CONFIG_HOME: config },
    });
  } finally {
    await rm(config, { recursive: true, force: true });
  }
  return platform;
}

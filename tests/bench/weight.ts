import { spawnSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import type { Host } from "../../stacks/local/host.js";
import type { FunctionName } from "../../stacks/topology.js";
import { median } from "./figure.js";

export interface Weight {
  readonly bytes: number;
  /** Milliseconds until a fresh process has loaded it. */
  readonly importMs: number;
}

const script = `const since = performance.now(); await import(process.argv[1]); console.log(performance.now() - since); process.exit()`;

function load(file: string, env: Record<string, string>): number {
  const args = ["--input-type=module", "--eval", script, pathToFileURL(file).href];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${file} does not load: ${stderr}`);
  return Number(stdout);
}

/** Size and import time of each bundle. */
export function weigh(host: Host, times: number): Record<FunctionName, Weight> {
  const weights = (Object.keys(host.bundles) as FunctionName[]).map((name) => {
    const { file, bytes } = host.bundles[name];
    const taken = Array.from({ length: times }, () => load(file, host.env(name)));
    return [name, { bytes, importMs: median(taken) }] as const;
  });
  return Object.fromEntries(weights) as Record<FunctionName, Weight>;
}

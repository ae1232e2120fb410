import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Alarm } from "../../functions/modules/alarm.js";

/** The alarms of all modules, as a deployment reads them; without the environment of a function. */
export function listAlarms(root: string): Alarm[] {
  const command = ["--import", "tsx", "functions/alarm-list.ts"];
  return JSON.parse(execFileSync(process.execPath, command, { cwd: root, env: {}, encoding: "utf8" }));
}

function readCode(root: string): string {
  const files = ["core", "functions", "plugins"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(root, folder, file)),
  );
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

/** The arguments of the call whose first one begins at `start`. */
function argumentsFrom(code: string, start: number): string[] {
  const found = [""];
  let depth = 1;
  for (const letter of code.slice(start)) {
    if ("([{".includes(letter)) depth += 1;
    if (")]}".includes(letter)) depth -= 1;
    if (depth === 0) break;
    if (letter === "," && depth === 1) found.push("");
    else found[found.length - 1] += letter;
  }
  return found;
}

/** The names of the dimensions of each call that emits a metric: `count(name, value, dimensions)` or `measure({…}, dimensions)`. */
function emissionsOf(code: string, metric: string): string[] {
  return [...code.matchAll(/\b(count|measure)\(/g)].flatMap(({ 0: call, 1: verb, index }) => {
    const [first = "", second = "", third = ""] = argumentsFrom(code, index + call.length);
    const emits = verb === "count" ? first.trim() === `"${metric}"` : new RegExp(`\\b${metric}:`).test(first);
    const names = /\{([^}]*)\}/.exec(verb === "count" ? third : second)?.[1]?.split(",") ?? [];
    const dimensions = names.map((field) => field.split(":")[0]?.trim()).filter(Boolean);
    return emits ? [dimensions.sort().join()] : [];
  });
}

/** The names of the alarms whose metric the code emits nowhere with these dimensions, which would never be raised. */
export function findSilentAlarms(root: string, alarms: readonly Alarm[]): string[] {
  const code = readCode(root);
  const undeclared = code.replace(/\bdimensions: \{[^}]*\}/g, "");
  const isHeard = ({ metric, dimensions = {} }: Alarm) =>
    emissionsOf(code, metric).includes(Object.keys(dimensions).sort().join()) &&
    Object.values(dimensions).every((value) => undeclared.includes(`"${value}"`));
  return alarms.filter((alarm) => !isHeard(alarm)).map(({ name }) => name);
}

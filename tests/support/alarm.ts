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

/** The text from `start` to the parenthesis that closes the one before it. */
function argumentsFrom(code: string, start: number): string {
  let [depth, end] = [1, start];
  for (; depth > 0 && end < code.length; end += 1) {
    if (code[end] === "(") depth += 1;
    if (code[end] === ")") depth -= 1;
  }
  return code.slice(start, end - 1);
}

/** The names of the dimensions of each call that emits a metric. */
function emissionsOf(code: string, metric: string): string[] {
  const calls = [...code.matchAll(new RegExp(`\\b(?:count|measure)\\(\\s*"${metric}"`, "g"))];
  return calls.map((call) => {
    const [, dimensions = ""] = /\{([^}]*)\}/.exec(argumentsFrom(code, call.index + call[0].length)) ?? [];
    const names = dimensions.split(",").map((field) => field.split(":")[0]?.trim());
    return names.filter(Boolean).sort().join();
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

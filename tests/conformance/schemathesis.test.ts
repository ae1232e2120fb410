import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Host, startHost } from "../../stacks/local/host.js";
import { type Demo, seed } from "../../stacks/local/seed.js";

const dir = mkdtempSync(join(tmpdir(), "stoa-schemathesis-"));
let host: Host;
let demo: Demo;

beforeAll(async () => {
  host = await startHost({ dir });
  demo = await seed(host);
});

afterAll(async () => {
  await host?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
];

/** Requests that the description allows, and such that it does not, against everything that it describes. */
async function explore(credential: string): Promise<string> {
  const options = {
    header: `Authorization: Bearer ${credential}`,
    checks: checks.join(","),
    phases: "examples,coverage,fuzzing",
    "max-examples": "30",
    seed: "20",
    workers: "2",
  };
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const run = spawn("schemathesis", ["run", `${host.url}/openapi.json`, "--continue-on-failure", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: dir, // where it keeps its examples
  });
  let report = "";
  for await (const text of run.stdout) report += text;
  if (run.exitCode === null) await once(run, "close");
  return run.exitCode === 0 ? "conforms" : report.slice(-20_000);
}

test.each(["secretKey", "publishableKey"] as const)(
  "every operation answers as described, called with a %s",
  async (kind) => {
    expect(await explore(demo.tenants[0]?.[kind] ?? "")).toBe("conforms");
  },
  600_000,
);

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../../stacks/local/bundle.js";
import { type Host, startHost } from "../../stacks/local/host.js";
import { type Demo, seed } from "../../stacks/local/seed.js";

const artifacts = join(projectRoot, "artifacts");
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
async function explore(credential: string): Promise<{ code: number | null; report: string }> {
  const options = {
    header: `Authorization: Bearer ${credential}`,
    checks: checks.join(","),
    phases: "examples,coverage,fuzzing",
    "max-examples": "20",
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
  return { code: run.exitCode, report };
}

test.each(["secretKey", "publishableKey"] as const)(
  "every operation answers as described, called with a %s",
  async (kind) => {
    const { code, report } = await explore(demo.tenants[0]?.[kind] ?? "");
    mkdirSync(artifacts, { recursive: true });
    writeFileSync(join(artifacts, `schemathesis-${kind}.txt`), report);
    if (code !== 0) console.log(report);
    expect(code).toBe(0);
  },
  600_000,
);

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Demo, seed } from "../../stacks/local/demo/seed.js";
import { type Host, startHost } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const artifacts = join(projectRoot, "artifacts");
const dir = mkdtempSync(join(tmpdir(), "stoa-schemathesis-"));
let host: Host;
let demo: Demo;

function shop() {
  const [first] = demo.tenants;
  if (!first) throw new Error("There is no demo shop.");
  return first;
}

beforeAll(async () => {
  host = await startHost({ dir });
  demo = await seed(host);
  await host.admin.query("update tenant set request_rate = 20000"); // one address asks more than any plan allows
});

afterAll(async () => {
  await host?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Requests that the description allows, and such that it does not; answers the exit code. */
async function explore(kind: string, credential: string, ...words: string[]): Promise<number | null> {
  const all = [
    ...["--config-file", join(here, "schemathesis.toml"), "run", `${host.url}/openapi.json`],
    ...["--header", `Authorization: Bearer ${credential}`, ...words],
  ];
  const run = spawn("schemathesis", all, {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: dir,
    env: { ...process.env, PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: "1" },
  });
  let report = "";
  for await (const text of run.stdout) report += text;
  if (run.exitCode === null) await once(run, "close");
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, `schemathesis-${kind}.txt`), report);
  if (run.exitCode !== 0) console.log(report);
  return run.exitCode;
}

async function logIn({ tenant, email, password }: Demo["tenants"][number]): Promise<string> {
  const answer = await fetch(`${host.url}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant, email, password }),
  });
  return ((await answer.json()) as { accessToken: string }).accessToken;
}

test("every operation answers as described to a secret key", async () => {
  expect(await explore("secret-key", shop().secretKey)).toBe(0);
});

test("the shop's operations answer as described to a publishable key", async () => {
  const shopping = ["--include-path-regex", "^/v1/store/"];
  expect(await explore("publishable-key", shop().publishableKey, ...shopping)).toBe(0);
});

test("what is for members answers as described to an owner", async () => {
  const forMembers = ["--include-path-regex", "^/v1/(auth/me|admin/(members|api-keys|tenant))"];
  expect(await explore("owner", await logIn(shop()), ...forMembers)).toBe(0);
});

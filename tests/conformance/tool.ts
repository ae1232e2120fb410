import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Any account: neither our endpoints nor moto check signatures. */
const identity = {
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
  AWS_REGION: "us-east-1",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_PAGER: "",
};

/** AWS's own command line against an endpoint. @throws with what it said */
// biome-ignore lint/suspicious/noExplicitAny: each command answers something else; the tests know the shapes.
export type Aws = (command: string, ...words: string[]) => Promise<any>;

export function aws(service: string, endpoint: string): Aws {
  return async (command, ...words) => {
    const all = ["--endpoint-url", endpoint, "--output", "json", service, command, ...words];
    const { stdout } = await execute("aws", all, { env: { ...process.env, ...identity } });
    return stdout.trim() ? JSON.parse(stdout) : {};
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Somebody else's SQS and EventBridge. */
export async function startMoto(): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn("moto_server", ["--host", "127.0.0.1", "--port", String(port)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...identity },
  });
  let words = "";
  server.stderr.on("data", (text: Buffer) => {
    words = (words + text).slice(-2_000);
  });
  const ended = once(server, "close");
  const stop = async () => {
    server.kill("SIGKILL");
    await ended;
  };
  for (let attempt = 0; attempt < 150; attempt += 1) {
    if (server.exitCode !== null) break;
    if (
      await fetch(`${url}/moto-api/data.json`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return { url, stop };
    await sleep(200);
  }
  await stop();
  throw new Error(`moto_server did not start: ${words}`);
}

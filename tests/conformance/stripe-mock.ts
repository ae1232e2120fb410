import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Kind } from "../../stacks/local/stripe/engine/kind.js";
import { freePort } from "./tool.js";

export interface Mock {
  readonly url: string;
  stop(): Promise<void>;
}

/** Stripe's own mock: it knows nothing of payments, and everything of what requests may look like. */
export async function startMock(): Promise<Mock> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn("stripe-mock", ["-http-addr", `127.0.0.1:${port}`], { stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  server.stderr.on("data", (text: Buffer) => {
    words = (words + text).slice(-2_000);
  });
  const ended = Promise.race([once(server, "close"), once(server, "error")]);
  const stop = async () => {
    server.kill("SIGKILL");
    await ended;
  };
  for (let attempt = 0; attempt < 150 && server.exitCode === null; attempt += 1) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) return { url, stop };
    await sleep(200);
  }
  await stop();
  throw new Error(`stripe-mock did not start: ${words}`);
}

async function send({ url }: Mock, method: string, path: string, form: string): Promise<string | undefined> {
  const get = method === "GET";
  const response = await fetch(`${url}${path}${get && form ? `?${form}` : ""}`, {
    method,
    headers: { authorization: "Bearer sk_test_123", "content-type": "application/x-www-form-urlencoded" },
    ...(!get && { body: form }),
  });
  const { error } = (await response.json()) as { error?: { message: string } };
  return response.ok ? undefined : `${response.status} ${error?.message}`;
}

/** What Stripe's description has against a request, and which parameter it is about; nothing when it is right. */
export async function complaint(mock: Mock, { call, path, form }: Kind): Promise<string | undefined> {
  const [method = ""] = call.split(" ");
  const wrong = await send(mock, method, path, form);
  if (!wrong) return undefined;
  const pairs = form.split("&");
  const names: string[] = [];
  for (const pair of pairs) {
    const others = pairs.filter((one) => one !== pair).join("&");
    if (!(await send(mock, method, path, others))) names.push(decodeURIComponent(pair));
  }
  return `${call}: ${wrong} (${names.join(", ") || form})`;
}

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Demo, seed } from "../../stacks/local/demo/seed.js";
import { writeSettings } from "../../stacks/local/demo/settings.js";
import { type Host, startHost } from "../../stacks/local/host.js";
import { queues } from "../../stacks/topology.js";
import { aws, startMoto } from "./tool.js";

/** The same app on somebody else's SQS and EventBridge: two addresses differ, nothing else. */
let moto: Awaited<ReturnType<typeof startMoto>>;
let host: Host;
let demo: Demo;
const dir = mkdtempSync(join(tmpdir(), "stoa-moto-"));

beforeAll(async () => {
  moto = await startMoto();
  host = await startHost({ dir, external: { sqs: moto.url, eventbridge: moto.url } });
  demo = await seed(host);
});

afterAll(async () => {
  await host?.stop();
  await moto?.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("queues, bus and rule are moto's", async () => {
  expect(host.endpoints.sqs).toBeUndefined();
  expect(host.endpoints.bus).toBeUndefined();
  const { QueueUrls } = await aws("sqs", moto.url)("list-queues");
  expect(QueueUrls).toHaveLength(Object.keys(queues).length * 2);
  const { Rules } = await aws("events", moto.url)("list-rules", "--event-bus-name", "stoa");
  expect(Rules).toHaveLength(1);
});

test("the demo's command buys something, and its mail comes", async () => {
  const [shop] = demo.tenants;
  const settings = join(dir, "demo.env");
  if (shop) writeSettings(host.url, shop, settings);
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", "stacks/local/demo/buy.ts"], {
    env: { ...process.env, STOA_DEMO_ENV: settings },
  });
  const number = /Order (\d+) over .* is open/.exec(stdout)?.[1];
  expect(number, stdout).toBeTruthy();
  await host.idle({ timeoutMs: 30_000 });
  expect(host.mailbox.list().map(({ subject }) => subject)).toEqual([expect.stringContaining(String(number))]);
});

test("nothing is left in any queue", async () => {
  const sqs = aws("sqs", moto.url);
  for (const { url } of host.endpoints.queues.values()) {
    const { Attributes } = await sqs("get-queue-attributes", "--queue-url", url, "--attribute-names", "All");
    expect(Attributes).toMatchObject({
      ApproximateNumberOfMessages: "0",
      ApproximateNumberOfMessagesNotVisible: "0",
      ApproximateNumberOfMessagesDelayed: "0",
    });
  }
});

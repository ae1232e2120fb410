import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type Host, startHost } from "../../stacks/local/host.js";

/** A system of its own, in which nothing happens but what the test asks for. */
export function quietHost(): () => Host {
  let host: Host | undefined;
  const dir = mkdtempSync(join(tmpdir(), "stoa-budget-"));
  beforeAll(async () => {
    host = await startHost({ dir, consumers: false, schedules: false });
  }, 120_000);
  afterAll(async () => {
    await host?.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);
  return () => {
    if (!host) throw new Error("The host is not started.");
    return host;
  };
}

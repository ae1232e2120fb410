import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { type Host, type HostOptions, startHost } from "../../stacks/local/host.js";
import { keepKinds } from "./stripe-kind.js";

/** Nothing happens but what the test asks for. */
export const quiet = { consumers: false, schedules: false } as const;

/** A system of the test file's own, to be measured or broken; stopped after its tests. */
export function ownHost(options: Omit<HostOptions, "dir"> = {}): () => Host {
  let host: Host | undefined;
  const dir = mkdtempSync(join(tmpdir(), "stoa-own-"));
  beforeAll(async () => {
    // The tests write to one address.
    host = await startHost({ ...options, dir, env: { MAIL_RECIPIENT_LIMIT: "1000000", ...options.env } });
  }, 120_000);
  afterAll(async () => {
    keepKinds(host?.stripe?.kinds());
    await host?.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);
  return () => {
    if (!host) throw new Error("The host is not started.");
    return host;
  };
}

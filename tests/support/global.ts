import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startHost } from "../../stacks/local/host.js";
import { forgetKinds, keepKinds } from "./stripe-kind.js";
import { checkTexts } from "./text-family.js";

declare module "vitest" {
  interface ProvidedContext {
    system: System;
  }
}

/** Where the one system is that all test files share; what breaks it on purpose starts its own. */
export interface System {
  url: string;
  /** Superuser, to look behind the walls. */
  adminUrl: string;
  appUrl: string;
  relayUrl: string;
  /** Of the stand-in. */
  stripeUrl: string;
  /** `host:port` of Neon's protocols. */
  proxy: string;
  dir: string;
}

/** Starts the whole system once: real Postgres, queues, bus, and the handlers in environments of their own. */
export default async function setup(project: TestProject) {
  const dir = mkdtempSync(join(tmpdir(), "stoa-test-"));
  forgetKinds();
  const host = await startHost({ dir, env: { MAIL_RECIPIENT_LIMIT: "1000000" } });
  const { app, relay, postgres } = host.databases;
  const proxy = `127.0.0.1:${host.bridge.port}`;
  const urls = { url: host.url, adminUrl: postgres, appUrl: app, relayUrl: relay, stripeUrl: host.stripe?.url ?? "" };
  project.provide("system", { ...urls, proxy, dir });
  return async () => {
    keepKinds(host.stripe?.kinds());
    const texts = host.bridge.texts();
    await host.stop();
    rmSync(dir, { recursive: true, force: true });
    console.log(`${texts.size} distinct texts of statements`);
    failUnless(() => checkTexts(texts));
  };
}

/** Runs a check after the last test; Vitest prints what it throws, but ends with success of its own accord. */
function failUnless(check: () => void): void {
  try {
    check();
  } catch (error) {
    process.exitCode = 1;
    throw error;
  }
}

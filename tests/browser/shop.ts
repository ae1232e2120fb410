import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { type Demo, type DemoShop, seed } from "../../stacks/local/demo/seed.js";
import { type Host, startHost } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";

const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const artifacts = join(projectRoot, "artifacts");

/** A system with the demo shops and a browser, as whoever runs `npm start` has them; stopped after the file's tests. */
export function demoShop() {
  const dir = mkdtempSync(join(tmpdir(), "stoa-browser-"));
  let started: { host: Host; demo: Demo; browser: BrowserContext } | undefined;
  const all = () => {
    if (!started) throw new Error("The system is not started.");
    return started;
  };
  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    const host = await startHost({ dir: join(dir, "data") });
    const demo = await seed(host);
    const browser = await chromium.launchPersistentContext(join(dir, "profile"), {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: quiet,
      viewport: { width: 1280, height: 1000 },
    });
    started = { host, demo, browser };
  }, 120_000);
  afterAll(async () => {
    await started?.browser.close();
    await started?.host.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);
  return {
    host: () => all().host,
    shop(): DemoShop {
      const [first] = all().demo.tenants;
      if (!first) throw new Error("There is no demo shop.");
      return first;
    },
    /** A page, and what went wrong on it: errors, failed loads, and requests to anywhere but `origins`. */
    async open(url: string, origins: readonly string[]): Promise<{ page: Page; trouble: string[] }> {
      const page = await all().browser.newPage();
      const trouble: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") trouble.push(`${message.text()} (${message.location().url})`);
      });
      page.on("pageerror", (error) => trouble.push(error.message));
      page.on("requestfailed", (request) => trouble.push(`${request.url()}: ${request.failure()?.errorText}`));
      page.on("request", (request) => {
        const { origin, protocol } = new URL(request.url());
        if (!origins.includes(origin) && protocol !== "data:") trouble.push(`leaves: ${request.url()}`);
      });
      await page.goto(url);
      return { page, trouble };
    },
  };
}

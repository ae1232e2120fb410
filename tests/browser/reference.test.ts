import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectRoot } from "../../stacks/local/bundle.js";
import { type Host, startHost } from "../../stacks/local/host.js";
import { type Demo, seed } from "../../stacks/local/seed.js";

const quiet = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const artifacts = join(projectRoot, "artifacts");
const dir = mkdtempSync(join(tmpdir(), "stoa-browser-"));
let host: Host;
let demo: Demo;
let browser: BrowserContext;

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true });
  host = await startHost({ dir: join(dir, "data") });
  demo = await seed(host);
  browser = await chromium.launchPersistentContext(join(dir, "profile"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: quiet,
    viewport: { width: 1280, height: 1000 },
  });
});

afterAll(async () => {
  await browser?.close();
  await host?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** A page, and what went wrong on it: errors, failed loads, and requests to anywhere else. */
async function open(path: string): Promise<{ page: Page; trouble: string[] }> {
  const page = await browser.newPage();
  const trouble: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => trouble.push(error.message));
  page.on("requestfailed", (request) => trouble.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== host.url && protocol !== "data:") trouble.push(`leaves the origin: ${request.url()}`);
  });
  await page.goto(host.url + path);
  return { page, trouble };
}

test("the reference sends a request with a publishable key and shows the answer", async () => {
  const { page, trouble } = await open("/docs");
  const key = demo.tenants[0]?.publishableKey ?? "";

  await page.locator(".auth-wrapper .authorize").first().click();
  const scheme = page.locator(".auth-container", { hasText: "publishableKey" });
  await scheme.locator("input").fill(key);
  await scheme.getByRole("button", { name: /^apply/i }).click();
  await scheme.locator(".btn-done").click();

  const operation = page.locator("#operations-store_·_products-getStoreProducts");
  await page.screenshot({ path: join(artifacts, "reference-list.png") });
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".btn.execute").click();
  const answer = operation.locator(".live-responses-table");
  await answer.waitFor();
  expect(await answer.locator(".response-col_status").last().textContent()).toContain("200");
  expect(await answer.textContent()).toContain('"nextCursor"');
  expect(await operation.locator(".curl").textContent()).toContain(`Bearer ${key}`);

  await operation.scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(artifacts, "reference.png") });
  expect(trouble).toEqual([]);
});

test.each([
  ["/docs/errors", "h2"],
  ["/_local", "td"],
  ["/_local/mail", "h1"],
])("%s renders", async (path, part) => {
  const { page, trouble } = await open(path);
  expect(await page.locator(part).first().textContent()).toMatch(/\w/);
  await page.screenshot({ path: join(artifacts, `${path.slice(1).replaceAll("/", "-")}.png`) });
  expect(trouble).toEqual([]);
});

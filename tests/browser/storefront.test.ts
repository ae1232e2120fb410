import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { writeSettings } from "../../stacks/local/demo/settings.js";
import { artifacts, demoShop } from "./shop.js";

const { host, shop, open } = demoShop();
const origins = () => [host().url, host().stripe?.url ?? ""];

test("from the first page to a paid order, in the browser alone", async () => {
  const { page, trouble } = await open(host().url, origins());
  expect(await page.locator("h1").textContent()).toBe("Stoa runs on this machine");
  for (const text of [shop().email, shop().publishableKey, "npm run demo:buy"])
    expect(await page.getByText(text, { exact: false }).first().isVisible()).toBe(true);
  await page.screenshot({ path: join(artifacts, "home.png"), fullPage: true });

  await page.getByRole("link", { name: "Visit the shop" }).first().click();
  await page.locator(".products button").first().click();
  await page.locator(".products button").last().click();
  await page.locator("#cart tr:nth-child(2)").waitFor();
  await page.screenshot({ path: join(artifacts, "storefront.png"), fullPage: true });
  await page.getByRole("button", { name: "Pay by card" }).click();

  await page.waitForURL(`${host().stripe?.url}/**`);
  await page.fill('input[name="number"]', "4242424242424242");
  await page.fill('input[name="expiry"]', "12 / 34");
  await page.fill('input[name="cvc"]', "123");
  await page.fill('input[name="name"]', "Ada Lovelace");
  await page.click("form button:not([name])");
  await page.waitForURL(`${host().url}/**`);
  await page
    .locator("#news")
    .filter({ hasText: /is paid/ })
    .waitFor();
  await page.screenshot({ path: join(artifacts, "storefront-paid.png"), fullPage: true });
  expect(trouble.filter((line) => !/favicon/.test(line))).toEqual([]);
});

test("a client that is no browser gets the API's links at the same place", async () => {
  const answer = await fetch(host().url);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  const { links } = (await answer.json()) as { links: Record<string, string> };
  for (const link of Object.values(links)) expect((await fetch(link)).status, link).toBe(200);
});

test("each demo command shows its requests and ends well; its settings are for their owner only", async () => {
  const dir = mkdtempSync(join(tmpdir(), "stoa-demo-"));
  const settings = join(dir, "demo.env");
  try {
    writeSettings(host().url, shop(), settings);
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    const run = async (...words: string[]) => {
      const [file = "", ...rest] = words;
      const env = { ...process.env, STOA_DEMO_ENV: settings };
      const command = ["--import", "tsx", `stacks/local/demo/${file}`, ...rest];
      return (await promisify(execFile)(process.execPath, command, { env })).stdout;
    };
    const bought = await run("buy.ts");
    expect(bought).toMatch(/→ POST \/v1\/store\/carts .*\n← 201 /);
    expect(bought).toMatch(/Order \d+ over €\d+\.\d\d is open\./);
    expect(Math.max(...bought.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(112);
    const byCard = await run("buy.ts", "card");
    expect(byCard).toMatch(/Order \d+ over .* is pending\./);
    expect(byCard).toContain(host().stripe?.url);
    expect(await run("plan.ts")).toContain(host().stripe?.url);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

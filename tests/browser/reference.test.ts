import { join } from "node:path";
import { expect, test } from "vitest";
import { artifacts, demoShop } from "./shop.js";

const { host, shop, open: visit } = demoShop();
const open = (path: string) => visit(host().url + path, [host().url]);

test("the reference sends a request with a publishable key and shows the answer", async () => {
  const { page, trouble } = await open("/docs");
  const key = shop().publishableKey;

  await page.locator(".auth-wrapper .authorize").first().click();
  const scheme = page.locator(".auth-container", { hasText: "publishableKey" });
  await scheme.locator("input").fill(key);
  await scheme.getByRole("button", { name: /^apply/i }).click();
  await scheme.locator(".btn-done").click();

  const operation = page.locator("#operations-Storefront-listStoreProducts");
  await page.screenshot({ path: join(artifacts, "reference-list.png") });
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".btn.execute").click();
  const answer = operation.locator(".live-responses-table");
  await answer.waitFor();
  expect(await answer.locator(".response-col_status").last().textContent()).toContain("200");
  expect(await answer.textContent()).toContain('"nextCursor"');
  expect(await operation.locator(".curl").textContent()).toContain(`Bearer ${key}`);

  expect(await operation.locator(".responses-inner .response").count()).toBeLessThan(5); // no ten copies of a Problem
  await operation.scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(artifacts, "reference.png") });
  expect(trouble).toEqual([]);
});

test("the search finds operations by what they do", async () => {
  const { page, trouble } = await open("/docs");
  await page.locator(".operation-filter-input").fill("create a product");
  await page.locator("#operations-Products-createProduct").waitFor();
  await expect.poll(() => page.locator(".opblock").count()).toBe(1);
  expect(trouble).toEqual([]);
});

test.each([
  ["/docs/errors", "h2"],
  ["/docs/events", "h2"],
  ["/docs/payments", "h1"],
  ["/_local", "td"],
  ["/_local/mail", "h1"],
])("%s renders", async (path, part) => {
  const { page, trouble } = await open(path);
  expect(await page.locator(part).first().textContent()).toMatch(/\w/);
  await page.screenshot({ path: join(artifacts, `${path.slice(1).replaceAll("/", "-")}.png`) });
  expect(trouble).toEqual([]);
});

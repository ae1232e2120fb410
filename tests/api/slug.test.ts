import { beforeAll, expect, test } from "vitest";
import { newTenant, type Tenant } from "../support/client.js";

let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

const create = (name: string) => tenant.post("/v1/admin/products", { name });

test.each([
  ["Émail Mug №1", "email-mug-no1"],
  ["Größe XL", "grosse-xl"],
  ["iPhone 15 Pro", "iphone-15-pro"],
  ["Ly cà phê đỏ", "ly-ca-phe-do"],
  ["Кофейная кружка", "kofeynaya-kruzhka"],
  ["Мыльница", "mylnitsa"],
  ["Καφές", "kafes"],
  ["فنجان قهوة", "fnjn-qhwh"],
  ["ספל קפה", "sfl-kfh"],
  ["咖啡杯", "kafeibei"],
  ["青花瓷 Mug 350ml", "qinghuaci-mug-350ml"],
  ["コーヒー", "kohi"],
  ["커피 머그", "keopi-meogeu"],
  ["กาแฟ", "kaaef"],
  ["कॉफी मग", "kophi-mg"],
  ["☕", "coffee"],
  ["!!!", "product"],
])("the name %s gives the slug %s", async (name, slug) => {
  expect((await create(name)).slug).toBe(slug);
});

test("names that give the same slug are numbered", async () => {
  expect((await create("Чашка")).slug).toBe("chashka");
  expect((await create("чашка")).slug).toBe("chashka-2");
  expect((await create("Chashka!")).slug).toBe("chashka-3");
});

test("a slug fits its pattern and length, whatever the name", async () => {
  const { slug } = await create("龘靐齉爩".repeat(50));
  expect(slug).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
  expect(slug.length).toBeLessThanOrEqual(80);
});

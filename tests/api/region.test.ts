import { beforeAll, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { expectPages } from "../support/list.js";

const PATH = "/v1/admin/regions";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

test("a tenant has the region of its country, which is its own and for the staff", async () => {
  const { data } = await mine.get(PATH);
  expect(data).toEqual([
    {
      id: expect.stringMatching(/^rgn_/),
      name: "Germany",
      currency: "EUR",
      countries: ["DE"],
      isDefault: true,
      version: 1,
    },
  ]);
  expect((await theirs.get(PATH)).data[0].id).not.toBe(data[0].id);
  expect(await mine.shop.outcome("GET", PATH)).toBe("403 forbidden");
});

test("regions come in pages, the oldest first", async () => {
  await admin.query(
    "insert into region (tenant_id, id, name, currency, countries) values ($1, $2, 'Switzerland', 'CHF', '{CH}')",
    [typeIdToUuid("ten", mine.id), typeIdToUuid("rgn", newTypeId("rgn"))],
  );
  await expectPages(mine, PATH);
  expect((await mine.get(PATH)).data.map(({ name }: { name: string }) => name)).toEqual(["Germany", "Switzerland"]);
});

import { beforeAll, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { expectPages } from "../support/list.js";

const PATH = "/v1/admin/locations";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

test("a tenant has one location, which is its own and for the staff", async () => {
  const { data } = await mine.get(PATH);
  expect(data).toEqual([
    { id: expect.stringMatching(/^loc_/), name: "Main", country: "DE", isDefault: true, createdAt: expect.any(String) },
  ]);
  expect((await theirs.get(PATH)).data[0].id).not.toBe(data[0].id);
  expect(await mine.shop.outcome("GET", PATH)).toBe("403 forbidden");
});

test("locations come in pages, the oldest first", async () => {
  await admin.query("insert into location (tenant_id, id, name, country) values ($1, $2, 'Store', 'DE')", [
    typeIdToUuid("ten", mine.id),
    typeIdToUuid("loc", newTypeId("loc")),
  ]);
  await expectPages(mine, PATH);
  expect((await mine.get(PATH)).data.map(({ name }: { name: string }) => name)).toEqual(["Main", "Store"]);
});

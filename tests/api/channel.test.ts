import { beforeAll, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { expectPages } from "../support/list.js";

const PATH = "/v1/admin/channels";
const admin = administrator();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

test("a tenant has a web shop, which is its own and for the staff", async () => {
  const { data } = await mine.get(PATH);
  expect(data).toEqual([{ id: expect.stringMatching(/^chn_/), slug: "web", name: "Web shop", isDefault: true }]);
  expect((await theirs.get(PATH)).data[0].id).not.toBe(data[0].id);
  expect(await mine.shop.outcome("GET", PATH)).toBe("403 forbidden");
});

test("channels come in pages, the oldest first", async () => {
  await admin.query("insert into channel (tenant_id, id, slug, name) values ($1, $2, 'pos', 'Point of sale')", [
    typeIdToUuid("ten", mine.id),
    typeIdToUuid("chn", newTypeId("chn")),
  ]);
  await expectPages(mine, PATH);
  expect((await mine.get(PATH)).data.map(({ slug }: { slug: string }) => slug)).toEqual(["web", "pos"]);
});

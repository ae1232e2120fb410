import { and, eq, ne, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { productTable, variantTable } from "../../core/catalog/catalog.sql.js";
import { tenantTableRoot } from "../../core/tenant/tenant.sql.js";
import { Client } from "../../drizzle/client.js";
import { withTenant } from "../../drizzle/tenant.js";
import { newTypeId } from "../../drizzle/typeid.js";

const { appUrl, adminUrl, proxy } = inject("system");
const app = new Client({ url: appUrl, proxy });
const other = new Client({ url: appUrl, proxy });
/** A superuser: row-level security does not hold it, so whatever stops it is the tenant filter. */
const bypassing = new Client({ url: adminUrl, proxy });
const [mine, theirs] = [newTypeId("ten"), newTypeId("ten")];
const mug = (id = newTypeId("prd")) => ({ id, slug: `mug-${id.slice(-6)}`, name: "Mug" });

beforeAll(async () => {
  for (const tenant of [mine, theirs]) {
    await withTenant(app, tenant, async (tx) => {
      const slug = tenant.slice(-12);
      await tx.insert(tenantTableRoot).values({ slug, name: slug, livemode: false, currency: "EUR", country: "DE" });
      const product = mug();
      await tx.insert(productTable).values(product);
      await tx.insert(variantTable).values({ id: newTypeId("var"), productId: product.id, sku: "MUG", name: "Mug" });
    });
  }
});
afterAll(() => Promise.all([app.end(), other.end(), bypassing.end()]));

test("several reads of a transaction see one tenant, and the same rows as one query does", async () => {
  await withTenant(bypassing, mine, async (tx, _, read) => {
    const quoted = `O'Brien \\ "${newTypeId("prd")}" $1 -- ;`;
    const made = await tx
      .insert(productTable)
      .values({ ...mug(), name: quoted })
      .returning();
    const named = and(eq(productTable.name, quoted), ne(productTable.slug, ""));
    const [plain, joined, raw] = (await read((q) => [
      q.select().from(productTable).where(named),
      q
        .select({ product: productTable, sku: variantTable.sku })
        .from(productTable)
        .leftJoin(variantTable, eq(variantTable.productId, productTable.id)),
      q.execute(sql`select ${1}::int as one, ${null}::text as none`),
    ])) as [{ tenantId: string }[], { product: { tenantId: string }; sku: string | null }[], { rows: unknown[] }];
    expect(plain).toEqual(made);
    expect(new Set(joined.map(({ product }) => product.tenantId))).toEqual(new Set([mine]));
    expect(joined.map(({ sku }) => sku).sort()).toEqual(["MUG", null]);
    expect(raw.rows).toEqual([{ one: 1, none: null }]);
    expect(await read((q) => q.select().from(productTable).where(named))).toEqual(made);
  });
});

test("a read of a transaction sees what was committed while the one before it waited for a lock", async () => {
  const product = mug();
  await withTenant(app, mine, (tx) => tx.insert(productTable).values(product));
  let isLocked = () => {};
  const locked = new Promise<void>((resolve) => {
    isLocked = resolve;
  });
  const writing = withTenant(other, mine, async (tx) => {
    await tx.update(productTable).set({ name: "Locked" }).where(eq(productTable.id, product.id));
    const variant = { id: newTypeId("var"), productId: product.id, sku: product.slug, name: "Late" };
    await tx.insert(variantTable).values(variant);
    isLocked();
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  await locked;
  const [rows, variants] = (await withTenant(app, mine, (_, __, read) =>
    read((q) => [
      q.select().from(productTable).where(eq(productTable.id, product.id)).for("update"),
      q.select().from(variantTable).where(eq(variantTable.productId, product.id)),
    ]),
  )) as [{ name: string }[], { name: string }[]];
  await writing;
  expect([rows[0]?.name, variants.map(({ name }) => name)]).toEqual(["Locked", ["Late"]]);
});

import { eq, sql } from "drizzle-orm";
import { NeonSession, NeonTransaction } from "drizzle-orm/neon-serverless";
import { PgDialect } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { productTable, variantTable } from "../../core/catalog/catalog.sql.js";
import { tenantTableRoot } from "../../core/tenant/tenant.sql.js";
import { Client } from "../../drizzle/client.js";
import { readTenant, withTenant } from "../../drizzle/tenant.js";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { administrator, asApp, tenantTables } from "../support/database.js";

const { appUrl, adminUrl, proxy } = inject("system");
const app = new Client({ url: appUrl, proxy });
/** A superuser: policies do not hold it, so whatever stops it is the first wall alone. */
const bypassing = new Client({ url: adminUrl, proxy });
const admin = administrator();
const direct = asApp();
const [mine, theirs] = [newTypeId("ten"), newTypeId("ten")];
const uuid = (id: string) => typeIdToUuid("ten", id);
const theirProduct = newTypeId("prd");

const mug = (id = newTypeId("prd")) => ({ id, slug: `mug-${id.slice(-6)}`, name: "Mug" });

beforeAll(async () => {
  for (const [tenant, product] of [
    [mine, newTypeId("prd")],
    [theirs, theirProduct],
  ] as const) {
    await withTenant(app, tenant, async (tx) => {
      const slug = tenant.slice(-12);
      await tx.insert(tenantTableRoot).values({ slug, name: slug, livemode: false, currency: "EUR", country: "DE" });
      await tx.insert(productTable).values(mug(product));
      await tx.insert(variantTable).values({ id: newTypeId("var"), productId: product, sku: "MUG", name: "Mug" });
    });
  }
});
afterAll(() => Promise.all([app.end(), bypassing.end()]));

const ids = (rows: { tenantId: string }[]) => new Set(rows.map(({ tenantId }) => tenantId));

describe("the first wall alone (policies do not hold this role)", () => {
  test("selects, joins and subqueries see one tenant", async () => {
    const seen = await withTenant(bypassing, mine, async (tx) => {
      const plain = await tx.select().from(productTable);
      const joined = await tx
        .select({ tenantId: variantTable.tenantId })
        .from(productTable)
        .innerJoin(variantTable, eq(variantTable.sku, "MUG"));
      const left = await tx
        .select({ tenantId: sql<string>`coalesce(${variantTable.tenantId}::text, 'none')` })
        .from(productTable)
        .leftJoin(variantTable, eq(variantTable.productId, theirProduct));
      const inner = tx.select({ tenantId: productTable.tenantId }).from(productTable).as("inner_products");
      const nested = await tx.select().from(inner);
      const cte = tx.$with("c").as((q) => q.select({ tenantId: productTable.tenantId }).from(productTable));
      return { plain, joined, left, nested, listed: await tx.with(cte).select().from(cte) };
    });
    for (const rows of [seen.plain, seen.joined, seen.nested, seen.listed]) expect(ids(rows)).toEqual(new Set([mine]));
    expect(seen.left.map(({ tenantId }) => tenantId)).toEqual(["none"]); // still a left join
  });

  test("updates and deletes touch one tenant", async () => {
    await withTenant(bypassing, mine, async (tx) => {
      expect(
        await tx.update(productTable).set({ name: "Taken" }).where(eq(productTable.id, theirProduct)).returning(),
      ).toEqual([]);
      expect(await tx.delete(variantTable).where(eq(variantTable.productId, theirProduct)).returning()).toEqual([]);
      expect(ids(await tx.update(productTable).set({ name: "Mine" }).returning())).toEqual(new Set([mine]));
    });
  });

  test("inserts carry the tenant, and refuse another one", async () => {
    const [row] = await withTenant(bypassing, mine, (tx) => tx.insert(productTable).values(mug()).returning());
    expect(row?.tenantId).toBe(mine);
    await expect(
      withTenant(bypassing, mine, (tx) => tx.insert(productTable).values({ ...mug(), tenantId: theirs })),
    ).rejects.toThrow("its own tenant");
    await expect(
      withTenant(bypassing, mine, (tx) => tx.update(productTable).set({ tenantId: theirs })),
    ).rejects.toThrow("never moves");
    await expect(
      withTenant(bypassing, mine, (tx) =>
        tx.select().from(productTable).rightJoin(variantTable, eq(variantTable.sku, "MUG")),
      ),
    ).rejects.toThrow("left join");
  });

  test("batches over HTTP see one tenant", async () => {
    const [rows] = await readTenant(bypassing, mine, (q) => [q.select().from(productTable)]);
    expect(ids(rows)).toEqual(new Set([mine]));
  });
});

describe("the second wall alone (no predicate in the statement)", () => {
  async function unconfined<T>(
    run: (tx: NeonTransaction<Record<string, never>, Record<string, never>>) => Promise<T>,
  ): Promise<T> {
    const held = await app.connect();
    const connection = held.client;
    const dialect = new PgDialect();
    try {
      await connection.query(`begin; select set_config('app.tenant_id', '${uuid(mine)}', true)`);
      return await run(new NeonTransaction(dialect, new NeonSession(connection, dialect, undefined), undefined));
    } finally {
      await connection.query("rollback");
      app.release(held, false);
    }
  }

  test("rows of others are not seen, changed or made", async () => {
    expect(ids(await unconfined((tx) => tx.select().from(productTable)))).toEqual(new Set([mine]));
    expect(
      await unconfined((tx) =>
        tx.update(productTable).set({ name: "x" }).where(eq(productTable.id, theirProduct)).returning(),
      ),
    ).toEqual([]);
    expect(
      await unconfined((tx) => tx.delete(variantTable).where(eq(variantTable.productId, theirProduct)).returning()),
    ).toEqual([]);
    const cause = (error: Error) => String(error.cause ?? error);
    await expect(
      unconfined((tx) =>
        tx
          .insert(productTable)
          .values({ ...mug(), tenantId: theirs })
          .catch((error) => {
            throw new Error(cause(error));
          }),
      ),
    ).rejects.toThrow("row-level security");
    await expect(
      unconfined((tx) =>
        tx
          .update(productTable)
          .set({ tenantId: theirs })
          .catch((error) => {
            throw new Error(cause(error));
          }),
      ),
    ).rejects.toThrow("row-level security");
  });

  test("a row cannot point at another tenant's row", async () => {
    const variant = { id: newTypeId("var"), productId: theirProduct, sku: "STOLEN", name: "x" };
    await expect(
      withTenant(app, mine, (tx) => tx.insert(variantTable).values(variant)).catch((error) => {
        throw error.cause;
      }),
    ).rejects.toMatchObject({ code: "23503" });
  });
});

describe("without a tenant", () => {
  test.each(["", `select set_config('app.tenant_id', '', true);`])(
    "nothing is seen and nothing can be written (%s)",
    async (context) => {
      for (const table of await tenantTables(admin)) {
        const connection = await direct.connect();
        try {
          await connection.query(`begin; ${context}`);
          const { rows } = await connection.query(`select count(*)::int as n from "${table}"`);
          expect([table, rows[0].n]).toEqual([table, 0]);
        } finally {
          await connection.query("rollback");
          connection.release();
        }
      }
      await expect(
        direct.query("insert into product (id, slug, name) values (gen_random_uuid(), 'x', 'x')"),
      ).rejects.toThrow();
    },
  );

  test("the context of one transaction does not reach the next", async () => {
    await withTenant(app, mine, (tx) => tx.select().from(productTable));
    const connection = await app.connect();
    const { rows } = await connection.client.query(
      "select current_setting('app.tenant_id', true) as tenant, (select count(*)::int from product) as n",
    );
    app.release(connection, false);
    expect(rows[0]).toEqual({ tenant: "", n: 0 });
  });
});

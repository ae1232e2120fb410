import { expect, test, vi } from "vitest";
import { Inventory } from "../../core/inventory/index.js";
import { db } from "../../core/kernel/db.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { eventually, newProduct, newTenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { asSystem } from "../support/domain.js";

vi.setConfig({ testTimeout: 120_000 });
const admin = administrator();

test.each(["products", "variants"])(
  "%s are deleted, though their first stock level is just being opened",
  async (what) => {
    const tenant = await newTenant();
    const { productId, variantId } = await newProduct(tenant);
    const levels = async () => (await tenant.get(`/v1/admin/inventory?variantId=${variantId}`)).data;
    await eventually(async () => (await levels()).length === 1, 60_000);
    await admin.query("delete from stock_level where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);

    const path = `/v1/admin/${what}/${what === "products" ? productId : variantId}`;
    const deleted = await asSystem(tenant.id, () =>
      db(async (tx) => {
        await Inventory.createLevels({ productId });
        const { rows } = await tx.execute<{ pid: number }>("select pg_backend_pid() as pid");
        const answer = tenant.outcome("DELETE", path);
        const waits = "select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))";
        await eventually(async () => (await admin.query(waits, [rows[0]?.pid])).rowCount);
        return { answer };
      }),
    );
    expect(await deleted.answer).toBe("204");
    expect(await levels()).toEqual([]);
  },
);

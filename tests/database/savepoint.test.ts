import { sql } from "drizzle-orm";
import { beforeAll, expect, test } from "vitest";
import { channelTable } from "../../core/channel/channel.sql.js";
import { db, defer, runBeside, withSavepoint } from "../../core/kernel/db.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { newTenant, type Tenant } from "../support/client.js";
import { asSystem } from "../support/domain.js";

/** A part of a transaction that is rolled back alone, together with what it has deferred. */
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const named = (name: string) => ({ id: newTypeId("chn"), name, slug: `${name}-${newTypeId("chn").slice(-8)}` });
const namesOf = () =>
  asSystem(tenant.id, () => db(async (tx) => (await tx.select().from(channelTable)).map(({ name }) => name).sort()));

test("a part that fails leaves nothing, the rest of the transaction stays", async () => {
  const before = await namesOf();
  await asSystem(tenant.id, () =>
    db(async (tx) => {
      defer(tx.insert(channelTable).values(named("first")));
      const failing = withSavepoint(async () => {
        await tx.insert(channelTable).values(named("undone"));
        defer(tx.insert(channelTable).values(named("never-sent")));
        throw new Error("no");
      });
      await expect(failing).rejects.toThrow("no");
      const aborted = withSavepoint(() => tx.execute(sql`select 1 / 0`));
      await expect(aborted).rejects.toThrow();
      const unsent = withSavepoint(async () => {
        defer(tx.insert(channelTable).values(named("never-sent-either")));
        throw new Error("no");
      });
      await expect(unsent).rejects.toThrow("no");
      await withSavepoint(async () => void defer(tx.insert(channelTable).values(named("second"))));
    }),
  );
  expect(await namesOf()).toEqual([...before, "first", "second"].sort());
});

test("parts that run beside one another cannot be rolled back alone", async () => {
  const beside = asSystem(tenant.id, () =>
    db(() => runBeside([async () => undefined, () => withSavepoint(async () => undefined)])),
  );
  await expect(beside).rejects.toThrow(/savepoint/);
});

test("work that nothing waits for cannot use a transaction that has ended", async () => {
  let late: Promise<unknown> = Promise.resolve();
  await asSystem(tenant.id, () =>
    db(async () => {
      late = new Promise((resume) => setTimeout(resume, 50)).then(() => db((tx) => tx.select().from(channelTable)));
      late.catch(() => undefined);
    }),
  );
  await expect(late).rejects.toThrow(/has ended/);
});

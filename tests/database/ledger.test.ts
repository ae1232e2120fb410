import { randomUUID } from "node:crypto";
import type pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { newTenants, type Tenant } from "../support/client.js";
import { administrator, asApp } from "../support/database.js";

/** What the database itself holds of the books, against whoever writes SQL as the application or as the owner. */

const admin = administrator();
const app = asApp();
let mine: Tenant;
let theirs: Tenant;
const uuid = ({ id }: Tenant) => typeIdToUuid("ten", id);

type Line = readonly [account: string, amount: number, currency?: string];
const sale: Line[] = [
  ["receivable", 1_190],
  ["sales", -1_000],
  ["tax_payable", -190],
];

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

/** One transaction of the application, in the context of a tenant. */
async function commit(run: (client: pg.PoolClient) => Promise<unknown>, tenant = mine): Promise<void> {
  const client = await app.connect();
  try {
    await client.query("begin");
    await enter(client, tenant);
    await run(client);
    await client.query("commit");
  } finally {
    await client.query("rollback");
    client.release();
  }
}
const enter = (client: pg.PoolClient, tenant: Tenant | undefined) =>
  client.query("select set_config('app.tenant_id', $1, true)", [tenant ? uuid(tenant) : ""]);

async function fact(client: pg.PoolClient, lines: readonly Line[] = []): Promise<string> {
  const { rows } = await client.query(
    "insert into ledger_transaction (id, kind, reference) values (uuidv7(), 'order.placed', $1) returning id",
    [randomUUID()],
  );
  await add(client, rows[0].id, lines);
  return rows[0].id;
}

async function add(client: pg.PoolClient, id: string, lines: readonly Line[]) {
  for (const [account, amount, currency = "EUR"] of lines) {
    await client.query(
      "insert into ledger_entry (id, transaction_id, account, amount, currency) values (uuidv7(), $1, $2, $3, $4)",
      [id, account, amount, currency],
    );
  }
}

const unbalanced = { code: "23514", constraint: "ledger_balances" };
const complete = { code: "23001", constraint: "ledger_complete" };
const written = async (tenant = mine) =>
  (await admin.query("select count(*)::int as n from ledger_entry where tenant_id = $1", [uuid(tenant)])).rows[0].n;

describe("a transaction that does not balance is refused at COMMIT", () => {
  test("not before, because its entries come one after the other", async () => {
    await commit((client) => fact(client, sale));
    expect(await written()).toBe(3);
    let inserted = false;
    const lacking = commit(async (client) => {
      await fact(client, sale.slice(1));
      inserted = true;
    });
    await expect(lacking).rejects.toMatchObject(unbalanced);
    expect([inserted, await written()]).toEqual([true, 3]);
  });

  test.each<[string, Line[]]>([
    ["no entry at all", []],
    ["one unit too much", [["receivable", 1_191], ...sale.slice(1)]],
    [
      "currencies that only balance together",
      [
        ["receivable", 100, "EUR"],
        ["sales", -100, "USD"],
      ],
    ],
    ["a sum that is zero in 64 bits only", Array.from({ length: 4 }, () => ["receivable", 2 ** 62] as const)],
  ])("%s", async (_, lines) => {
    const before = await written();
    await expect(commit((client) => fact(client, lines))).rejects.toMatchObject(unbalanced);
    expect(await written()).toBe(before);
  });

  test("when only the last of many does not", async () => {
    const many = commit(async (client) => {
      for (let i = 0; i < 20; i++) await fact(client, sale);
      await fact(client, [["receivable", 1]]);
    });
    await expect(many).rejects.toMatchObject(unbalanced);
  });

  test("constraints that are made immediate refuse it earlier, and nothing passes in between", async () => {
    const hasty = commit(async (client) => {
      await client.query("set constraints all immediate");
      await fact(client, sale);
    });
    await expect(hasty).rejects.toMatchObject(unbalanced);
    const sly = commit(async (client) => {
      const id = await fact(client, sale);
      await client.query("set constraints all immediate");
      await client.query("set constraints all deferred");
      await add(client, id, [["receivable", 5]]);
    });
    await expect(sly).rejects.toMatchObject(unbalanced);
  });

  test("a part that was rolled back to a savepoint does not count, what stays does", async () => {
    await commit(async (client) => {
      const id = await fact(client, sale);
      await client.query("savepoint part");
      await add(client, id, [["receivable", 7]]);
      await client.query("rollback to savepoint part");
    });
    const kept = commit(async (client) => {
      await client.query("savepoint part");
      const id = await fact(client, sale);
      await client.query("release savepoint part");
      await add(client, id, [["receivable", 7]]);
    });
    await expect(kept).rejects.toMatchObject(unbalanced);
  });
});

describe("a transaction is complete once it is made", () => {
  test.each<[string, Line[]]>([
    ["an entry alone", [["receivable", 5]]],
    [
      "entries that balance",
      [
        ["receivable", 5],
        ["sales", -5],
      ],
    ],
  ])("%s cannot be added later", async (_, lines) => {
    let id = "";
    await commit(async (client) => {
      id = await fact(client, sale);
    });
    const refused = await commit((client) => add(client, id, lines)).catch((error) => error);
    expect([unbalanced, complete]).toContainEqual({ code: refused.code, constraint: refused.constraint });
    const { rows } = await admin.query(
      "select sum(amount)::int as sum, count(*)::int as n from ledger_entry where transaction_id = $1",
      [id],
    );
    expect(rows).toEqual([{ sum: 0, n: 3 }]);
  });
});

describe("the tenant", () => {
  test("a context that moves on before COMMIT hides nothing", async () => {
    for (const other of [theirs, undefined]) {
      const moved = commit(async (client) => {
        await fact(client, [["receivable", 5]]);
        await enter(client, other);
      });
      await expect(moved).rejects.toMatchObject(unbalanced);
    }
  });

  test("entries cannot join another tenant's transaction, nor balance it", async () => {
    let id = "";
    await commit(async (client) => {
      id = await fact(client, sale);
    }, theirs);
    await expect(
      commit((client) =>
        add(client, id, [
          ["receivable", 5],
          ["sales", -5],
        ]),
      ),
    ).rejects.toMatchObject({ code: "23503" });
    const named = `insert into ledger_entry (tenant_id, id, transaction_id, account, amount, currency)
      values ($1, uuidv7(), $2, 'receivable', 5, 'EUR')`;
    await expect(commit((client) => client.query(named, [uuid(theirs), id]))).rejects.toMatchObject({ code: "42501" });
    const split = commit(async (client) => {
      await fact(client, [["receivable", 5]]);
      await enter(client, theirs);
      await fact(client, [["sales", -5]]);
      await enter(client, mine);
    });
    await expect(split).rejects.toMatchObject(unbalanced);
  });

  test("names that shadow the tables or the operators change nothing", async () => {
    const shadowed = commit(async (client) => {
      await client.query("set local search_path = pg_temp, public");
      await fact(client, [["receivable", 5]]);
    });
    await expect(shadowed).rejects.toMatchObject(unbalanced);
    await expect(commit((client) => client.query("create temp table ledger_entry (id int)"))).rejects.toMatchObject({
      code: "42501",
    });
  });
});

describe("what is written stays", () => {
  const changes = (table: string) => [
    `update ${table} set created_at = now()`,
    `delete from ${table}`,
    `truncate ${table} cascade`,
    `insert into ${table} select * from ${table} limit 1 on conflict on constraint ${table}_pk do update set updated_at = now()`,
  ];

  test.each(["ledger_transaction", "ledger_entry"])("%s: for the application and for its owner", async (table) => {
    await commit((client) => fact(client, sale));
    const before = await written();
    for (const change of changes(table)) {
      await expect(
        commit((client) => client.query(change)),
        change,
      ).rejects.toMatchObject({ code: "42501" });
      const client = await admin.connect();
      try {
        await client.query("begin; set local role stoa_owner");
        await enter(client, mine);
        await expect(client.query(change), change).rejects.toMatchObject({ code: "23001" });
      } finally {
        await client.query("rollback");
        client.release();
      }
    }
    expect(await written()).toBe(before);
  });

  test("the application can neither switch the rules off nor become who may", async () => {
    for (const attempt of [
      "alter table ledger_entry disable trigger all",
      "drop trigger ledger_balances on ledger_entry",
      "set local session_replication_role = replica",
      "set local role stoa_owner",
    ])
      await expect(
        commit((client) => client.query(attempt)),
        attempt,
      ).rejects.toMatchObject({ code: "42501" });
  });
});

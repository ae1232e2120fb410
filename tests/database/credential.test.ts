import { beforeAll, expect, test } from "vitest";
import { lookUpAccessToken, lookUpKey, lookUpVisitor } from "../../core/identity/credential.js";
import type { Lookup } from "../../core/identity/lookup.js";
import { createSecret } from "../../core/kernel/token.js";
import { type Reader, TenantReader, toStatements } from "../../drizzle/reader.js";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { asApp } from "../support/database.js";

const app = asApp();
const tenantId = newTypeId("ten");

beforeAll(() => {
  process.env.DATA_KEY = "A".repeat(43);
});

interface Plan {
  "Node Type": string;
  "Index Name"?: string;
  "Relation Name"?: string;
  Plans?: Plan[];
}
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

/** The indexes of the plans of a look-up's statements, under row-level security. */
async function indexesOf(lookup: Lookup): Promise<string[][]> {
  const connection = await app.connect();
  try {
    await connection.query("begin");
    await connection.query("select set_config('app.tenant_id', $1, true)", [typeIdToUuid("ten", tenantId)]);
    await connection.query("set local enable_seqscan = off"); // the tables of a test are small
    await connection.query("set local enable_bitmapscan = off");
    const { statements } = toStatements(lookup.queries(new TenantReader(tenantId) as unknown as Reader));
    const found: string[][] = [];
    for (const { text, values } of statements) {
      const { rows } = await connection.query(`explain (format json) ${text}`, values);
      const all = nodes(rows[0]["QUERY PLAN"][0].Plan);
      const scans = all.filter((node) => node["Relation Name"] && node["Node Type"] !== "ModifyTable");
      expect(scans.filter((node) => !/^Index (Only )?Scan$/.test(node["Node Type"]))).toEqual([]);
      found.push(scans.map((node) => node["Index Name"] ?? "").sort());
    }
    return found;
  } finally {
    await connection.query("rollback");
    connection.release();
  }
}

const price = { class: "staff", cost: 1 } as const;

test("a credential is looked up by one index of each table", async () => {
  const [memberId, sessionId] = [newTypeId("mbr"), newTypeId("ses")];
  const member = await indexesOf(lookUpAccessToken({ tenantId, memberId, sessionId }, "192.0.2.1", price));
  // Which of two equal ones is a matter of statistics; `plan.test.ts` reads the blocks in a large tenant.
  expect(member[0]).toEqual([expect.stringMatching(/^member_/), expect.stringMatching(/^session_/), "tenant_pk"]);
  const key = await indexesOf(lookUpKey(createSecret("sk_live", tenantId), "192.0.2.1", price));
  expect(key[0]).toEqual([expect.stringMatching(/^api_key_/), "tenant_pk"]);
  const [visitor] = await indexesOf(lookUpVisitor(tenantId, "192.0.2.1", price));
  expect(visitor).toEqual(["tenant_pk"]);
});

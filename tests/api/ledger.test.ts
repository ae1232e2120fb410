import { beforeAll, describe, expect, test } from "vitest";
import { Ledger } from "../../core/ledger/index.js";
import { Posting } from "../../core/ledger/posting.js";
import { type Body, Caller, newMember, newTenants, type Tenant } from "../support/client.js";
import { asSystem } from "../support/domain.js";

let mine: Tenant;
let theirs: Tenant;

const sale = {
  currency: "EUR",
  shipping: 595,
  shippingTaxInclusive: true,
  shippingTaxRate: 1_900,
  tax: 285,
  total: 1_785,
} as const;
const paid = { provider: "stripe", currency: "EUR", amount: 1_785 } as const;
const yen = { provider: "manual", currency: "JPY", amount: 500 } as const;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  await asSystem(mine.id, async () => {
    await Ledger.record("order.placed", "ord_one", Posting.saleEntries(sale));
    await Ledger.record("payment.captured", "pev_one", Posting.captureEntries(paid));
    await Ledger.record("payment.fee", "pay_one", Posting.platformFeeEntries({ ...paid, amount: 18 }));
    await Ledger.record("payment.captured", "pev_two", Posting.captureEntries(yen));
    const given = { ...paid, amount: 595, sale: { ...sale, refunded: 0 } };
    await Ledger.record("payment.refunded", "pev_three", Posting.refundEntries(given));
  });
});

const money = (amount: number, currency = "EUR") => ({ amount, currency });

describe("the trial balance", () => {
  test("says what each account comes to in each currency, and sums to zero", async () => {
    const { data } = await mine.get("/v1/admin/ledger/accounts");
    expect(data.map(({ account, balance }: Body) => [account, balance.amount, balance.currency])).toEqual([
      ["platform_fees", 18, "EUR"],
      ["processor:manual", 500, "JPY"],
      ["processor:stripe", 1_172, "EUR"],
      ["receivable", 0, "EUR"], // paid
      ["receivable", -500, "JPY"],
      ["refunds", 500, "EUR"],
      ["sales", -1_000, "EUR"],
      ["shipping", -500, "EUR"],
      ["tax_payable", -190, "EUR"],
    ]);
    expect(data.find(({ account }: Body) => account === "processor:stripe")).toEqual({
      account: "processor:stripe",
      name: "Money at stripe",
      side: "debit",
      debits: money(1_785),
      credits: money(613),
      balance: money(1_172),
    });
    for (const currency of ["EUR", "JPY"]) {
      const { data: own } = await mine.get(`/v1/admin/ledger/accounts?currency=${currency}`);
      expect(new Set(own.map(({ balance }: Body) => balance.currency))).toEqual(new Set([currency]));
      expect(own.reduce((sum: number, { balance }: Body) => sum + balance.amount, 0)).toBe(0);
    }
  });

  test("is the tenant's own", async () => {
    expect(await theirs.get("/v1/admin/ledger/accounts")).toEqual({ data: [] });
    expect((await theirs.get("/v1/admin/ledger/transactions")).data).toEqual([]);
  });
});

describe("transactions", () => {
  const list = async (query = ""): Promise<Body[]> => (await mine.get(`/v1/admin/ledger/transactions${query}`)).data;
  const references = async (query: string) => (await list(query)).map(({ reference }) => reference);

  test("come with all of their entries, the newest first", async () => {
    const all = await list();
    expect(all.map(({ kind, reference }) => [kind, reference])).toEqual([
      ["payment.refunded", "pev_three"],
      ["payment.captured", "pev_two"],
      ["payment.fee", "pay_one"],
      ["payment.captured", "pev_one"],
      ["order.placed", "ord_one"],
    ]);
    expect(all.at(-1)?.entries).toEqual([
      { account: "receivable", amount: money(1_785) },
      { account: "sales", amount: money(-1_000) },
      { account: "shipping", amount: money(-500) },
      { account: "tax_payable", amount: money(-285) },
    ]);
    for (const { entries } of all)
      expect(entries.reduce((sum: number, { amount }: Body) => sum + amount.amount, 0)).toBe(0);
  });

  test("are found by kind, by what they record, and by account", async () => {
    expect(await references("?kind=payment.captured")).toEqual(["pev_two", "pev_one"]);
    expect(await references("?reference=pev_one")).toEqual(["pev_one"]);
    expect(await references("?reference=pev_one&kind=order.placed")).toEqual([]);
    expect(await references("?account=tax_payable")).toEqual(["pev_three", "ord_one"]);
    expect((await list("?account=shipping"))[0]?.entries).toHaveLength(4);
    expect((await mine.call("GET", "/v1/admin/ledger/transactions?kind=none")).status).toBe(422);
  });

  test("come in pages, each with its entries", async () => {
    const seen: Body[] = [];
    let cursor = "";
    do {
      const { data, nextCursor } = await mine.get(
        `/v1/admin/ledger/transactions?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      seen.push(...data);
      cursor = nextCursor ?? "";
    } while (cursor);
    expect(seen).toEqual(await list());
  });
});

test("who may read the books: administrators, and keys that say so", async () => {
  const key = async (scope: string) =>
    mine.owner.post("/v1/admin/api-keys", { kind: "secret", name: "k", scopes: [scope] });
  const callers = {
    ADMIN: await newMember(mine, "ADMIN"),
    MEMBER: await newMember(mine, "MEMBER"),
    reader: new Caller(mine.url, (await key("ledger:read")).key),
    seller: new Caller(mine.url, (await key("orders:read")).key),
  };
  const statuses = Object.entries(callers).map(async ([who, caller]) => {
    const paths = ["/v1/admin/ledger/accounts", "/v1/admin/ledger/transactions"];
    return [who, ...(await Promise.all(paths.map(async (path) => (await caller.call("GET", path)).status)))];
  });
  expect(await Promise.all(statuses)).toEqual([
    ["ADMIN", 200, 200],
    ["MEMBER", 403, 403],
    ["reader", 200, 200],
    ["seller", 403, 403],
  ]);
});

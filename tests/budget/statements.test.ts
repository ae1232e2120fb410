import { beforeAll, expect, test } from "vitest";
import { prepared } from "../race/race.js";
import { call, newMember, newProduct, newTenant, password, type Tenant } from "../support/client.js";
import { ownHost } from "../support/host.js";

/** Raw `sql` goes round the dialect that confines a statement to its tenant; what Postgres has seen tells the truth. */
const host = ownHost();
let tenant: Tenant;
let tables: string[];
let statements: string[];

beforeAll(async () => {
  const { admin, url } = host();
  await admin.query("create extension pg_stat_statements");
  tenant = await newTenant({}, url);
  await drive();
  await host().idle();
  await host().runSchedule("sweep");
  const rows = await admin.query(`select distinct query from pg_stat_statements
    where userid = 'stoa_app'::regrole and dbid = (select oid from pg_database where datname = current_database())`);
  statements = rows.map(({ query }) => String(query).replace(/\s+/g, " "));
  const named = await admin.query(`select c.relname as name from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
   where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`);
  tables = named.map(({ name }) => String(name));
}, 120_000);

/** A purchase, what staff does every day, and each list and page that can be read. */
async function drive(): Promise<void> {
  const { productId, variantId } = await newProduct(tenant, { stock: 9 });
  const cart = await prepared(tenant, [{ variantId, quantity: 1 }]);
  await cart.add(variantId, 1);
  const line = () => `${cart.path}/lines/${cart.state.lines[0].id}`;
  cart.state = await cart.shop.patch(line(), { quantity: 3 }, cart.ifMatch);
  cart.state = await cart.shop.post(`${cart.path}/hold`, undefined, cart.ifMatch);
  cart.state = await cart.shop.delete(`${cart.path}/hold`, cart.ifMatch);
  cart.state = await cart.shop.post(`${cart.path}/hold`, undefined, cart.ifMatch);
  cart.state = await cart.shop.delete(line(), cart.ifMatch);
  await cart.add(variantId, 2);
  const { order } = (await cart.complete()).body;
  await cart.complete(); // the same again
  const late = await prepared(tenant, [{ variantId, quantity: 1 }]);
  await late.shop.post(`${late.path}/hold`, undefined, late.ifMatch);
  await host().admin.query("update reservation set expires_at = now()");
  await host().admin.query("update cart set expires_at = now() - interval '1 day' where status = 'open'");
  await cart.shop.get(`/v1/store/orders/${order.id}`);
  await tenant.post(`/v1/admin/orders/${order.id}/notes`, { text: "Gift" });
  await tenant.post(`/v1/admin/orders/${order.id}/capture`, { amount: 1 });

  const product = await tenant.patch(`/v1/admin/products/${productId}`, { name: "Cup" });
  const variant = await tenant
    .post(`/v1/admin/products/${productId}/variants`, { sku: "SECOND", name: "Two" })
    .catch(() => undefined);
  if (variant) await tenant.delete(`/v1/admin/variants/${variant.id}`);
  await tenant.patch(`/v1/admin/variants/${variantId}`, { sku: "RENAMED" });
  await tenant.put(`/v1/admin/variants/${variantId}/prices`, { prices: [{ currency: "EUR", amount: 5 }] });
  const draft = await tenant.post("/v1/admin/products", { name: product.name });
  await tenant.delete(`/v1/admin/products/${draft.id}`);

  const member = await newMember(tenant, "MEMBER");
  await tenant.owner.patch(`/v1/admin/members/${member.id}`, { role: "ADMIN" });
  await tenant.owner.delete(`/v1/admin/members/${member.id}`);
  const key = await tenant.owner.post("/v1/admin/api-keys", { kind: "publishable", name: "till" });
  await tenant.owner.patch(`/v1/admin/api-keys/${key.id}`, { name: "other till" });
  await tenant.owner.post(`/v1/admin/api-keys/${key.id}/roll`, {});
  await tenant.owner.delete(`/v1/admin/api-keys/${key.id}`);
  const login = { tenant: tenant.slug, email: tenant.ownerEmail, password };
  const { refreshToken, accessToken } = (await call("POST", `${tenant.url}/v1/auth/login`, { body: login })).body;
  await call("POST", `${tenant.url}/v1/auth/refresh`, { body: { refreshToken } });
  await call("POST", `${tenant.url}/v1/auth/login`, { body: { ...login, password: "wrong horse battery" } });
  await call("POST", `${tenant.url}/v1/auth/logout`, { headers: { authorization: `Bearer ${accessToken}` } });
  await readAll();
}

/** Each GET of the API; where it wants an id, that of the first thing in the list above it. */
async function readAll(): Promise<void> {
  const { body } = await call("GET", `${tenant.url}/openapi.json`);
  for (const path of Object.keys(body.paths).filter((path) => body.paths[path].get && path.startsWith("/v1/"))) {
    const caller = path.startsWith("/v1/store") ? tenant.shop : tenant.owner;
    const [list = "", rest] = path.split(/\/\{\w+\}/);
    // A thing of which there is one may not be there yet.
    if (rest === undefined) expect((await caller.call("GET", path)).status).toBeOneOf([200, 404]);
    else {
      const { body: listed } = await caller.call("GET", list);
      const id = listed?.data?.[0]?.id;
      if (id) await caller.get(`${list}/${id}${rest}`);
    }
  }
}

const KEYWORD =
  "where|set|on|inner|left|cross|join|order|group|limit|for|using|values|returning|select|union|natural|window";
/** What follows FROM, JOIN, INTO, UPDATE, USING, or a comma in a list after FROM; then, perhaps, its alias. */
const REFERENCE = new RegExp(
  `(?:\\b(from|join|into|update|using) (?:only )?|(?<=\\bfrom (?:(?!\\b(?:${KEYWORD})\\b)[\\w". ])+), ?)` +
    `(?:"?public"?\\.)?"?(\\w+)"?(?: (?:as )?(?!(?:${KEYWORD})\\b)"?(\\w+)"?)?`,
  "gi",
);

/** Tenant tables that a statement names, each with the alias by which it is known there. */
function references(statement: string): { table: string; alias: string; inserted: boolean }[] {
  return [...statement.matchAll(REFERENCE)].flatMap(([, word = "", table = "", alias = table]) =>
    tables.includes(table) ? [{ table, alias, inserted: word.toLowerCase() === "into" }] : [],
  );
}

const times = (statement: string, pattern: string) => statement.match(new RegExp(pattern, "gi"))?.length ?? 0;

/** A value; in a trigger, the tenant of the row that it looks at. */
const TENANT = "(?:\\$\\d|new\\.tenant_id\\b)";

/** Tables of a statement that lack their tenant. */
function unconfined(statement: string): string[] {
  const named = references(statement);
  const plain = times(statement, `(?<![."\\w])"?tenant_id"? = ${TENANT}`);
  return named.flatMap(({ table, alias, inserted }) => {
    if (inserted) {
      const columns = `into (?:"?public"?\\.)?"?${table}"? ?(?:as \\w+ )?\\([^)]*\\btenant_id\\b`;
      return times(statement, columns) > 0 ? [] : [`${table} (insert)`];
    }
    const wanted = named.filter((other) => !other.inserted && other.alias === alias).length;
    const given = times(statement, `(?<!\\w)"?${alias}"?\\."?tenant_id"? = ${TENANT}`);
    return given + (alias === table ? plain : 0) >= wanted ? [] : [`${table} as ${alias}`];
  });
}

test("the check finds what it looks for", () => {
  const wrong = [
    'select "id" from "product" where "id" = $1',
    'select * from "product" left join "variant" on "variant"."product_id" = "product"."id" where "product"."tenant_id" = $1',
    'select * from "product" where "tenant_id" = $1 and exists (select from "product" where id = $2)',
    'select * from "product", "variant" where "product"."tenant_id" = $1',
    "update stock_level s set on_hand = $1 where s.variant_id = $2",
    'delete from "cart_line" where "cart_id" = $1',
    "insert into reservation (holder, quantity) values ($1, $2)",
    "select from cart c where c.id = new.tenant_id",
    'select * from "tax_rate" "shipping_rate" where "tax_rate"."tenant_id" = $1',
  ];
  expect(wrong.filter((statement) => unconfined(statement).length === 0)).toEqual([]);
});

/** Tables that no statement of this release reads or writes; a later migration drops them. */
const LEFT_TO_THE_RELEASE_BEFORE = ["sales_day"];

test("every statement of the application names the tenant of every tenant table in it", () => {
  const naming = statements.filter((statement) => references(statement).length > 0);
  const reached = new Set(naming.flatMap((statement) => references(statement).map(({ table }) => table)));
  expect(tables.filter((table) => !reached.has(table))).toEqual(LEFT_TO_THE_RELEASE_BEFORE);
  const findings = naming.flatMap((statement) => {
    const lacking = unconfined(statement);
    return lacking.length > 0 ? [`${lacking.join(", ")}: ${statement}`] : [];
  });
  expect(findings).toEqual([]);
});

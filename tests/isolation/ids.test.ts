import { beforeAll, expect, test, vi } from "vitest";
import { type Answer, type Caller, Cart, eventually } from "../support/client.js";
import { attack, type Case, each, type How } from "./attack.js";
import { isScope, type Operation, prefixOf, type Schema } from "./operation.js";
import { fieldsOf, inPath, pathOf } from "./sample.js";
import { fresh, type Target, unknown, type World } from "./world.js";

/** Whose things are reached: the victim's ids in each place where a request takes one. */

vi.setConfig({ testTimeout: 120_000 });
const matrix = attack();
let all: Operation[];
let thief: World;
let victim: World;

beforeAll(() => {
  ({ all, thief, victim } = matrix);
});

const callersOf = ({ allow }: Operation): Record<string, Caller> =>
  allow === "member"
    ? { owner: thief.tenant.owner }
    : isScope(allow)
      ? { key: thief.tenant, owner: thief.tenant.owner }
      : { key: thief.tenant, shop: thief.tenant.shop };
const idOf = (schema: Schema, ids: World["ids"]) => ids[prefixOf(schema) ?? ""] ?? "";
const isId = (schema: Schema) => prefixOf(schema) !== undefined;
/** An answer without what differs each time. */
const masked = ({ status, text }: Answer) => `${status} ${text.replace(/req_[0-9a-f]{32}/, "")}`;

interface Pair extends Omit<Case, keyof How> {
  foreign: How;
  nobodys: How;
}

/** What is the victim's must look like what is nobody's. */
async function compare(group: string, pairs: readonly Pair[], fits: (answer: Answer) => boolean) {
  const wrong: unknown[] = [];
  await each(pairs, async ({ who, caller, operation, foreign, nobodys }) => {
    const theirs = await matrix.send(group, caller, operation, foreign);
    const none = await matrix.send(group, caller, operation, nobodys);
    if (masked(theirs) !== masked(none) || !fits(theirs))
      wrong.push([operation.name, who, masked(theirs), masked(none)]);
  });
  expect(wrong).toEqual([]);
}

test("in the path", async () => {
  const wanted = all.filter(({ params }) => params.some(({ schema }) => isId(schema)));
  const others = all.filter(({ params }) => params.some(({ schema }) => !isId(schema)));
  expect(others.map(({ name }) => name)).toEqual(Object.keys(inPath));
  const none: Target = { ...victim, ids: unknown(victim.ids) };
  const pairs = wanted.flatMap((operation) =>
    Object.entries(callersOf(operation)).flatMap(([who, caller]) =>
      operation.params.map(({ name, schema }, index): Pair => {
        // What stands before it in the path is the thief's own, and so is what opens that.
        const own = index > 0 ? thief : victim;
        const at = (ids: World["ids"]) => ({
          ...own,
          ids: { ...own.ids, [prefixOf(schema) ?? ""]: idOf(schema, ids) },
        });
        return {
          who: `${who} {${name}}`,
          caller,
          operation,
          foreign: { at: at(victim.ids) },
          nobodys: { at: at(none.ids) },
        };
      }),
    ),
  );
  await compare("path", pairs, ({ status }) => status === 404);
  expect([...(matrix.rows.get("path") ?? [])].sort()).toEqual(wanted.map(({ name }) => name).sort());
});

test("in the body", async () => {
  // A provider reads only its own fields of a payment, and the document does not say which: its own tests send them.
  const isOfProvider = ([first]: readonly string[]) => first === "payment";
  const fields = all.flatMap((operation) =>
    fieldsOf(operation.body ?? {}, isId)
      .filter(({ path }) => !isOfProvider(path))
      .map(({ path, schema }) => ({ operation, path, schema })),
  );
  const own: Case[] = [];
  const pairs: Pair[] = [];
  for (const { operation, path, schema } of fields) {
    for (const [who, caller] of Object.entries(callersOf(operation))) {
      const world = await fresh(operation, thief);
      const naming = (ids: World["ids"]): How => ({ world, aim: { path, value: idOf(schema, ids) } });
      const about = { who: `${who} ${path.join("/")}`, caller, operation };
      pairs.push({ ...about, foreign: naming(victim.ids), nobodys: naming(unknown(victim.ids)) });
      own.push({ ...about, ...naming(world.ids) });
    }
  }
  await compare("body", pairs, ({ status }) => [404, 409, 422].includes(status));
  await matrix.judge("body of its own", own, ({ status }, { operation }) => status === operation.done);
  expect(fields.length).toBeGreaterThan(9);
});

test("in a filter", async () => {
  const pairs = all.flatMap((operation) =>
    operation.query
      .filter(({ schema }) => isId(schema))
      .flatMap(({ name, schema }) =>
        Object.entries(callersOf(operation)).map(([who, caller]): Pair => {
          const asking = (ids: World["ids"]): How => ({ query: { [name]: idOf(schema, ids) } });
          const nobodys = asking(unknown(victim.ids));
          return { who: `${who} ?${name}`, caller, operation, foreign: asking(victim.ids), nobodys };
        }),
      ),
  );
  const refused = [404, 422];
  await compare("filter", pairs, ({ status, body }) => refused.includes(status) || body.data?.length === 0);
  const own = pairs.map(({ nobodys, foreign: _, ...about }): Case => {
    const names = Object.keys(nobodys.query ?? {});
    const query = Object.fromEntries(
      about.operation.query.flatMap(({ name, schema }) =>
        names.includes(name) ? [[name, idOf(schema, thief.ids)]] : [],
      ),
    );
    return { ...about, query };
  });
  await matrix.judge("filter of its own", own, ({ status, body }) => status === 200 && body.data?.length !== 0);
  expect(pairs.length).toBeGreaterThan(9);
});

test("in a cursor", async () => {
  const lists = all.filter(({ query }) => query.some(({ name }) => name === "cursor"));
  const cursorsOf = async ({ tenant, ids }: World) => {
    const pages = lists.map(async (operation) => {
      const caller = isScope(operation.allow) ? tenant : tenant.shop;
      const { nextCursor } = await caller.get(`${pathOf(operation, ids)}?limit=1`);
      return [operation.path, nextCursor as string | null] as const;
    });
    return new Map((await Promise.all(pages)).filter(([, cursor]) => cursor !== null) as [string, string][]);
  };
  const [mine, theirs] = [await cursorsOf(thief), await cursorsOf(victim)];
  expect(mine.size).toBeGreaterThan(5);
  const cases = (make: (operation: Operation) => Record<string, string>): Case[] =>
    lists.flatMap((operation) =>
      Object.entries(make(operation)).map(([who, cursor]) => {
        const caller = isScope(operation.allow) ? thief.tenant : thief.tenant.shop;
        return { who, caller, operation, query: { limit: "1", cursor } };
      }),
    );
  const own = cases(({ path }): Record<string, string> => (mine.has(path) ? { own: mine.get(path) ?? "" } : {}));
  await matrix.judge("own cursor", own, ({ status }) => status === 200);
  const strange = cases(({ path }) => ({
    ...Object.fromEntries([...theirs].map(([of, cursor]) => [`victim's of ${of}`, cursor])),
    ...Object.fromEntries([...mine].filter(([of]) => of !== path).map(([of, cursor]) => [`own of ${of}`, cursor])),
    ...tampered(mine.get(path) ?? [...mine.values()][0] ?? ""),
  }));
  await matrix.judge("cursor", strange, ({ status }) => status === 400);
  const filtered = lists.flatMap((operation): Case[] => {
    const filter = operation.query.find(({ schema }) => schema.enum);
    const cursor = mine.get(operation.path);
    if (!filter || filter.name === "expand" || !cursor) return [];
    const query = { limit: "1", cursor, [filter.name]: String(filter.schema.enum?.[0]) };
    return [{ who: "other filter", caller: thief.tenant, operation, query }];
  });
  await matrix.judge("other filter", filtered, ({ status }) => status === 400);
  await matrix.judge(
    "long",
    cases(() => ({ long: "a".repeat(5_000) })),
    ({ status }) => [400, 422].includes(status),
  );
  expect([...(matrix.rows.get("cursor") ?? [])].sort()).toEqual(lists.map(({ name }) => name).sort());
});

function tampered(cursor: string): Record<string, string> {
  const [payload = "", mac = ""] = cursor.split(".");
  const flip = (text: string) => (text.startsWith("A") ? "B" : "A") + text.slice(1);
  const forged = Buffer.from(JSON.stringify({ id: victim.ids.prd })).toString("base64url");
  return {
    "flipped payload": `${flip(payload)}.${mac}`,
    "flipped signature": `${payload}.${flip(mac)}`,
    "other payload": `${forged}.${mac}`,
    "no signature": payload,
    "empty signature": `${payload}.`,
    "three parts": `${cursor}.x`,
    "plain JSON": JSON.stringify({ id: victim.ids.prd }),
    "an id": victim.ids.prd ?? "",
    "a quote": "' or 1=1 --",
  };
}

test("in a cart's token", async () => {
  const wanted = all.filter(({ headers }) => headers.some(({ name }) => name === "x-cart-token"));
  const other = await Cart.open(thief.tenant.shop);
  const both = (token: string) => ({ crt: token, ord: token });
  const tokens = {
    "the victim's": victim.tokens,
    "another cart's": both(other.state.token),
    wrong: both("A".repeat(32)),
    empty: both(""),
  };
  const cases = wanted.flatMap((operation) =>
    Object.entries(tokens).flatMap(([who, tokens]): Case[] =>
      Object.values(callersOf(operation)).map((caller) => ({ who, caller, operation, at: { ...thief, tokens } })),
    ),
  );
  await matrix.judge("cart token", cases, ({ status }) => status === 404);
  await matrix.judge(
    "no cart token",
    wanted.map((operation) => ({ who: "none", caller: without("x-cart-token"), operation })),
    ({ status }) => status === 404,
  );
  expect(wanted.length).toBeGreaterThan(9);
});

/** A shopper whose requests lose a header on their way. */
function without(name: string): Caller {
  const { shop } = thief.tenant;
  return Object.assign(Object.create(shop) as Caller, {
    call: (method: string, path: string, { headers = {}, ...rest }: Parameters<Caller["call"]>[2] = {}) =>
      shop.call(method, path, {
        ...rest,
        headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)),
      }),
  });
}

test("no list shows what is another's, and each shows what is one's own", async () => {
  const lists = all.filter(({ query }) => query.some(({ name }) => name === "limit"));
  for (const operation of lists) {
    const [callers, theirs] = [callersOf(operation), isScope(operation.allow) ? victim.tenant : victim.tenant.shop];
    for (const caller of Object.values(callers)) {
      const rows = await eventually(async () => {
        const { body } = await matrix.send("lists", caller, operation, { query: { limit: "100" } });
        return body.data.length > 0 && body.data;
      });
      const seen = matrix.betrays(await theirs.call("GET", `${pathOf(operation, victim.ids)}?limit=100`));
      if (JSON.stringify(rows).includes('"id"'))
        expect([operation.name, seen.length > 0]).toEqual([operation.name, true]);
    }
  }
  const { slug } = (await victim.tenant.get(`/v1/admin/products/${victim.ids.prd}`)) as { slug: string };
  for (const path of [`/v1/store/products/${slug}`, `/v1/store/products/${victim.ids.prd}`]) {
    expect((await victim.tenant.shop.call("GET", path)).status).toBe(200);
    expect((await thief.tenant.shop.call("GET", path)).status).toBe(404);
  }
  expect(matrix.cases).toBeGreaterThan(700);
});

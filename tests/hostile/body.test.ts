import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { Cart, newProduct, newTenant, type Tenant, unique } from "../support/client.js";
import { expectSound } from "./sound.js";
import { type Raw, type RawAnswer, raw } from "./wire.js";

/** What a body may be: bytes, JSON, numbers and text. */

let tenant: Tenant;
let variantId: string;

beforeAll(async () => {
  tenant = await newTenant();
  ({ variantId } = await newProduct(tenant, { stock: 10 }));
});

const PATH = "/v1/admin/products";
const json = ["content-type", "application/json"] as const;
const send = ({ headers = [json], ...request }: Partial<Raw>): Promise<RawAnswer> =>
  raw({ method: "POST", path: PATH, ...request, headers: [["x-api-key", tenant.credential ?? ""], ...headers] });

/** Sends each body; the statuses are as expected, and no refusal says too much. */
async function expectStatuses(wanted: Record<string, readonly [Partial<Raw>, ...number[]]>) {
  const answers: Record<string, RawAnswer> = {};
  const wrong: unknown[] = [];
  for (const [name, [request, ...statuses]] of Object.entries(wanted)) {
    const answer = await send(request);
    answers[name] = answer;
    if (!statuses.includes(answer.status)) wrong.push([name, answer.status, answer.text.slice(0, 200)]);
  }
  expect(wrong).toEqual([]);
  expectSound(answers);
}

const product = (more: object = {}) => JSON.stringify({ name: unique("P"), ...more });
const named = (name: string) => ({ body: `{"name":"${name}"}` });
const long = (bytes: number) => product({ description: "x".repeat(bytes) });
const nested = (depth: number) => `{"name":${"[".repeat(depth)}${"]".repeat(depth)}}`;

describe("bytes", () => {
  test("size is measured on what arrives", async () => {
    await expectStatuses({
      "a small one": [{ body: product() }, 201],
      "a small one in chunks": [{ body: product(), chunked: true }, 201],
      "257 KB": [{ body: long(257 * 1024) }, 413],
      "257 KB in chunks": [{ body: long(257 * 1024), chunked: true }, 413],
      "257 KB as octets, which the gateway hands over in base64": [
        { body: long(257 * 1024), headers: [["content-type", "application/octet-stream"]] },
        413,
      ],
      "5 MB": [{ body: long(5 * 1024 * 1024) }, 413],
      "200 KB in a field of 20,000": [{ body: long(200 * 1024) }, 422],
      "nothing at all": [{}, 422],
      "an empty body": [{ body: "" }, 422],
    });
  });

  test("a Content-Length that lies changes nothing", async () => {
    const full = product();
    const short = await send({ body: full, headers: [json, ["content-length", "10"]] });
    expect(short.status).toBe(400); // ten bytes of JSON are no JSON
    const doubled = await send({ body: full, headers: [json, ["content-length", "10"], ["content-length", "20"]] });
    expect(doubled.status).toBe(400);
    const both = await send({ body: full, chunked: true, headers: [json, ["content-length", "10"]] });
    expect([400, 0]).toContain(both.status); // request smuggling
    expect((await send({ body: product() })).status).toBe(201);
  });

  test("encodings and types that nobody asked for", async () => {
    const bomb = gzipSync(Buffer.from(long(10 * 1024 * 1024)));
    await expectStatuses({
      "gzip, said": [{ body: gzipSync(product()), headers: [json, ["content-encoding", "gzip"]] }, 400, 415],
      "a gzip bomb": [{ body: bomb, headers: [json, ["content-encoding", "gzip"]] }, 400, 415],
      "gzip, not said": [{ body: gzipSync(product()) }, 400],
      "base64 of JSON": [{ body: Buffer.from(product()).toString("base64") }, 400],
      "a form": [{ body: "name=x", headers: [["content-type", "application/x-www-form-urlencoded"]] }, 400, 415],
      "JSON as text": [{ body: product(), headers: [["content-type", "text/plain"]] }, 400, 415],
      "JSON as a form": [{ body: product(), headers: [["content-type", "multipart/form-data; boundary=x"]] }, 400, 415],
      "JSON of a kind": [{ body: product(), headers: [["content-type", "application/merge-patch+json"]] }, 201],
      "invalid UTF-8": [
        { body: Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]) },
        400,
      ],
      "overlong UTF-8": [
        { body: Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]) },
        400,
      ],
      "UTF-16": [{ body: Buffer.from(product(), "utf16le") }, 400],
      "a byte order mark": [{ body: `\uFEFF${product()}` }, 201, 400],
    });
  });
});

describe("JSON", () => {
  test("what is not JSON, or not a body", async () => {
    await expectStatuses({
      NaN: [{ body: '{"name":"x","description":NaN}' }, 400],
      Infinity: [{ body: '{"name":Infinity}' }, 400],
      "a comma too many": [{ body: '{"name":"x",}' }, 400],
      "single quotes": [{ body: "{'name':'x'}" }, 400],
      "two values": [{ body: `${product()}${product()}` }, 400],
      "cut off": [{ body: '{"name":"x' }, 400],
      null: [{ body: "null" }, 422],
      "a list": [{ body: "[]" }, 422],
      text: [{ body: '"x"' }, 422],
      number: [{ body: "1e400" }, 422],
      false: [{ body: "false" }, 422],
    });
  });

  test("depth, counts, and names with a meaning", async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1]));
    await expectStatuses({
      "31 deep": [{ body: nested(30) }, 422],
      "100 deep": [{ body: nested(100) }, 400],
      "100,000 deep": [{ body: nested(100_000) }, 400],
      "20,000 members": [{ body: JSON.stringify(many) }, 400, 413],
      "a list of 100,000": [{ body: `{"name":[${"1,".repeat(99_999)}1]}` }, 400],
      "a prototype": [{ body: '{"name":"x","__proto__":{"status":"active"}}' }, 400],
      "a prototype below": [{ body: '{"name":"x","variants":[{"sku":"a","__proto__":{}}]}' }, 400],
      "a prototype, escaped": [{ body: '{"name":"x","\\u005f_proto__":{"status":"active"}}' }, 400],
      "a constructor": [{ body: '{"name":"x","constructor":{"prototype":{"a":1}}}' }, 422],
      "a method": [{ body: '{"name":"x","toString":1}' }, 422],
      "a name of nothing": [{ body: '{"name":"x","":1}' }, 422],
      "the same name twice, the last one wrong": [{ body: '{"name":"x","name":1}' }, 422],
    });
    expect(({} as { a?: number }).a).toBeUndefined();
  });
});

describe("text", () => {
  test("what the database cannot keep is refused, what people write is kept", async () => {
    await expectStatuses({
      "U+0000": [named("a\\u0000b"), 400],
      "U+0000 in a name": [{ body: '{"name":"x","a\\u0000":1}' }, 400],
      "half a surrogate pair": [named("\\ud83d"), 400],
      "the other half": [named("\\ude00 x"), 400],
      "halves in the wrong order": [named("\\ude00\\ud83d"), 400],
      "too long": [named("x".repeat(201)), 422],
      blank: [named("   "), 422],
      "reversed by a control": [named("a\\u202egnp.exe"), 422],
      "of no width": [named("\\u200bzero"), 422],
      "a tab": [named("a\\tb"), 422],
    });
    const kept = ["👩‍👩‍👧‍👦 family", "Cafe\u0301", "Мug", "İstanbul ı", "'; drop table product; --", "%_\\"];
    for (const name of kept) {
      const answer = await tenant.call("POST", PATH, { body: { name } });
      // Equal texts are equal letter by letter (Unicode NFC).
      const stored = name.normalize("NFC");
      expect([name, answer.status, answer.body.name]).toEqual([name, 201, stored]);
      expect((await tenant.get(`${PATH}/${answer.body.id}`)).name).toBe(stored);
    }
  });
});

describe("numbers", () => {
  const cart = (quantity: string) => ({
    path: "/v1/store/carts",
    body: `{"lines":[{"variantId":"${variantId}","quantity":${quantity}}]}`,
  });
  const strange = [
    "-0",
    "0",
    "-1",
    "1.5",
    '"1"',
    "1e3000",
    "-1e400",
    "2147483648",
    "9007199254740993",
    "1e21",
    "null",
    "true",
    "[1]",
    "{}",
    "0.1e-400",
  ];

  test("a quantity is a whole number that fits", async () => {
    await expectStatuses({
      "1": [cart("1"), 201],
      "1e0 is one": [cart("1e0"), 201],
      "1.0 is one": [cart("1.0"), 201],
      ...Object.fromEntries(strange.map((quantity) => [quantity, [cart(quantity), 422] as const])),
    });
  });

  test("an amount too", async () => {
    const price = (amount: string, currency = "EUR") => ({
      method: "PUT",
      path: `/v1/admin/variants/${variantId}/prices`,
      body: `{"prices":[{"amount":${amount},"currency":"${currency}"}]}`,
    });
    await expectStatuses({
      ...Object.fromEntries(
        strange
          .filter((amount) => !["-0", "0", "0.1e-400", "2147483648"].includes(amount))
          .map((amount) => [amount, [price(amount), 422] as const]),
      ),
      "of no currency": [price("1", "XXX"), 422],
      "of a currency in lower case": [price("1", "eur"), 422],
      "of one without decimals": [price("100", "JPY"), 200],
      "of one with three": [price("1000", "KWD"), 200],
      "the largest": [price("99999999999"), 200],
    });
  });

  test("a total that no order can hold is refused, and stock that nobody has", async () => {
    const expensive = await newProduct(tenant, { stock: 1_000_000, amount: 99_999_999_999 });
    const lines = [{ variantId: expensive.variantId, quantity: 10_000 }];
    const answer = await tenant.shop.call("POST", "/v1/store/carts", { body: { lines } });
    expect([answer.status, answer.body.code]).toEqual([422, "cart.total_too_large"]);
    const opened = await Cart.open(tenant.shop);
    for (const quantity of [0, -1, 1.5, "1", 10_001, 2 ** 31, null]) {
      const { status } = await opened.shop.call("POST", `${opened.path}/lines`, {
        body: { variantId, quantity },
        headers: opened.ifMatch,
      });
      expect([quantity, status]).toEqual([quantity, 422]);
    }
    const adjust = (adjustment: object) =>
      tenant.call("POST", "/v1/admin/inventory/adjustments", {
        body: { adjustments: [{ variantId, ...adjustment }], reason: "correction" },
        headers: { "idempotency-key": unique("k") },
      });
    for (const delta of [0, 0.5, "1", 1e21, 2 ** 31, -1_000_001])
      expect([delta, (await adjust({ delta })).status]).toEqual([delta, 422]);
    expect((await adjust({ delta: -1_000_000 })).status).toBe(409);
    expect((await adjust({ set: 1_000_000_000 })).status).toBe(200);
    expect((await adjust({ delta: 1 })).status).toBe(409);
  });
});

import { beforeAll, expect, test, vi } from "vitest";
import { type Operation, operations, type Schema } from "../isolation/operation.js";
import { fieldsOf, sample } from "../isolation/sample.js";
import { newWorld, type World } from "../isolation/world.js";
import { expectNoFlaw, isText, probe, some } from "./probe.js";

/** Every text that the document names, with what people cannot see, and with what people write. */

vi.setConfig({ testTimeout: 120_000 });
let all: Operation[];
let world: World;

beforeAll(async () => {
  all = await operations();
  world = await newWorld();
});

const writing = () => all.filter(({ body }) => body);

/** Texts that we compare with what we have: secrets and names of things, which nobody sees. */
const compared = new Set([
  "password",
  "refreshToken",
  "tenant",
  "channel",
  "token",
  "code",
  "newPassword",
  "currentPassword",
]);
/** Texts that people read, as opposed to ids, addresses and codes, which have a pattern or a format. */
const isRead = (schema: Schema) =>
  isText(schema) && !schema.enum && !schema.pattern && !schema.format && !schema.anyOf && schema.type !== undefined;
const readTexts = (operation: Operation) =>
  fieldsOf(operation.body ?? {}, isRead).filter(
    ({ path }) => !compared.has(path.findLast((step) => step !== "0") ?? ""),
  );
const several = new Set(["description", "text", "resolution"]);

test("each text that people read refuses what nobody can see", async () => {
  const unseen = ["a\u202eb", "a\u200bb", "a\u0007b", "a\u2028b", "\u3164", "a\u{e0041}b", "a\nb", "a\r\nBcc: b"];
  const probes = writing().flatMap((operation) =>
    readTexts(operation).flatMap(({ path }) =>
      some(operation, unseen)
        .filter((value) => !value.includes("\n") || !several.has(path.at(-1) ?? ""))
        .map((value) => ({
          operation,
          what: `${path.join("/")} = ${JSON.stringify(value)}`,
          body: sample(operation.body ?? {}, world.ids, [{ path, value }]),
        })),
    ),
  );
  expect(probes.length).toBeGreaterThan(150);
  await expectNoFlaw(world, probes, [422]);
});

const isEmail = ({ format }: Schema) => format === "email" || format === "idn-email";

test("each email is what a mail server takes, in bodies and in queries", async () => {
  const good = [
    "kolya@xn--e1afmkfd.xn--p1ai",
    "o&m@example.com",
    "a/b@example.com",
    "cust#1=vip!@example.com",
    "info@münchen.de",
  ];
  const bad = [
    "nobody",
    "a b@example.com",
    "a\u202e@example.com",
    "a@example.com\r\nBcc: b@example.com",
    `${"x".repeat(65)}@x.de`,
  ];
  const wrong: unknown[] = [];
  const fields = all.flatMap((operation) => [
    ...fieldsOf(operation.body ?? {}, isEmail).map(({ path }) => ({ operation, path, name: `/${path.join("/")}` })),
    ...operation.query
      .filter(({ schema }) => isEmail(schema))
      .map(({ name }) => ({ operation, path: undefined, name: `/${name}` })),
  ]);
  for (const { operation, path, name } of fields) {
    for (const email of some(operation, [...good, ...bad])) {
      const made = path
        ? { operation, body: sample(operation.body ?? {}, world.ids, [{ path, value: email }]) }
        : { operation, query: `?${new URLSearchParams({ [name.slice(1)]: email })}` };
      const { answer } = await probe(world, made);
      const errors: { pointer: string }[] = answer.body?.errors ?? [];
      const isRefused =
        answer.status === 422 && errors.some(({ pointer }) => `/${pointer.replace(/^\//, "")}` === name);
      if (isRefused !== bad.includes(email))
        wrong.push([operation.name, name, email, answer.status, answer.text.slice(0, 200)]);
    }
  }
  expect(fields.length).toBeGreaterThan(4);
  expect(wrong).toEqual([]);
});

test("each country that a request names is one of the list", () => {
  const isCountry = (name: string | undefined) => /countr/i.test(name ?? "");
  const named = all.flatMap((operation) => [
    ...fieldsOf(operation.body ?? {}, isText)
      .filter(({ path }) => isCountry(path.findLast((step) => step !== "0")))
      .map(({ schema }) => [operation.name, schema] as const),
    ...[...operation.query, ...operation.params]
      .filter(({ name }) => isCountry(name) || (name === "code" && isCountry(operation.path)))
      .map(({ schema }) => [operation.name, schema] as const),
  ]);
  expect(named.length).toBeGreaterThan(3);
  const free = named.filter(([, { enum: allowed = [] }]) => !allowed.includes("DE") || allowed.includes("ZZ"));
  expect(free.map(([name]) => name)).toEqual([]);
});

import { beforeAll, describe, expect, test, vi } from "vitest";
import { changes } from "./etag.js";
import { type Operation, operations } from "./operation.js";
import { fresh, newWorld, request, type World } from "./world.js";

/** If-Match in OpenAPI is what the code does, for every operation. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const STALE = '"987654"';
let all: Operation[];
let world: World;

beforeAll(async () => {
  all = await operations();
  world = await newWorld();
});

const versionOf = ({ headers }: Operation) => headers.find(({ name }) => name === "if-match");

/** The operation as its own tenant calls it, with a version that was never current. */
async function withStaleVersion(operation: Operation) {
  const made = await fresh(operation, world);
  const { method, path, headers, body } = await request(operation, made);
  const caller = operation.allow === "shopper" ? made.tenant.shop : made.tenant.owner;
  return caller.call(method, path, { headers: { ...headers, "if-match": STALE }, body });
}

test("412 stands where If-Match stands, and 428 where it is required", () => {
  for (const operation of all) {
    const { name, statuses } = operation;
    const version = versionOf(operation);
    const said = [name, statuses.includes(412), statuses.includes(428)];
    expect(said).toEqual([name, version !== undefined, version?.required === true]);
  }
  expect(all.filter(versionOf).length).toBeGreaterThan(15);
});

test("a stale version is refused by each operation that takes one", async () => {
  const answers: string[] = [];
  const taking = all.filter(versionOf);
  for (const operation of taking) {
    const { status, body } = await withStaleVersion(operation);
    answers.push(`${operation.name} ${status} ${body?.code}`);
  }
  expect(answers).toEqual(taking.map(({ name }) => `${name} 412 version_stale`));
});

/** A body that replaces something as a whole is made from what was read, so that it says which version that was. */
test("of two who have read and replace the same, the second is refused", async () => {
  const answers: unknown[] = [];
  const replacing = all.filter(({ method }) => method === "PUT");
  for (const operation of replacing) {
    const made = await fresh(operation, world);
    const { method, path, headers, body } = await request(operation, made);
    const { owner } = made.tenant;
    const [first, second] = [await owner.call("GET", path), await owner.call("GET", path)];
    const write = async ({ headers: read }: typeof first) => {
      const version = { "if-match": read.get("etag") ?? "none" };
      const { "idempotency-key": _, ...rest } = headers;
      return (await owner.call(method, path, { body, headers: { ...rest, ...version } })).status;
    };
    answers.push([operation.name, await write(first), await write(second)]);
  }
  expect(replacing.length).toBeGreaterThanOrEqual(2);
  expect(answers).toEqual(replacing.map(({ name, done }) => [name, done, 412]));
});

test("and changes nothing for the others", async () => {
  const answers: string[] = [];
  const ending = ["POST /v1/auth/logout", "POST /v1/auth/refresh"];
  const writes = all.filter((operation) => operation.method !== "GET" && !versionOf(operation));
  for (const operation of writes.filter(({ name }) => !ending.includes(name))) {
    const { status } = await withStaleVersion(operation);
    if (status === 412 || status === 428) answers.push(`${operation.name} ${status}`);
  }
  expect(answers).toEqual([]);
});

describe("an ETag", () => {
  const read = async (operation: Operation) => {
    const { method, path, headers } = await request(operation, world);
    const caller = operation.allow === "shopper" ? world.tenant.shop : world.tenant.owner;
    const { text, headers: answered } = await caller.call(method, path, { headers });
    return { text, etag: answered.get("etag") };
  };

  test("differs where the body does, whatever has changed it, and nowhere else", async () => {
    const tagged = all.filter(({ method, told }) => method === "GET" && told.includes("etag"));
    expect(Object.keys(changes).sort()).toEqual(tagged.map(({ name }) => name).sort());
    const wrong: string[] = [];
    for (const [name, ways] of Object.entries(changes)) {
      for (const [what, change] of Object.entries(ways)) {
        const before = await Promise.all(tagged.map(read));
        await change(world);
        const after = await Promise.all(tagged.map(read));
        for (const [at, operation] of tagged.entries()) {
          const isOther = before[at]?.text !== after[at]?.text;
          const isMoved = before[at]?.etag !== after[at]?.etag;
          if (isOther !== isMoved) wrong.push(`${operation.name}: ${what} of ${name}: ${isOther}, ETag ${isMoved}`);
          if (operation.name === name && !isOther) wrong.push(`${name} does not show ${what}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

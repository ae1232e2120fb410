import { beforeAll, expect, test, vi } from "vitest";
import { isScope, type Operation, operations } from "../isolation/operation.js";
import { fresh, newWorld, request, subscribe, type World } from "../isolation/world.js";
import { atOnce } from "./race.js";

/** Each writing operation, at once for one thing: a busy database is no answer, because locks are taken in one order. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const AT_ONCE = 6;
let writing: Operation[];
let world: World;

beforeAll(async () => {
  const ends = ["POST /v1/auth/logout"]; // it would end the session of all that follow
  writing = (await operations()).filter(({ method, name }) => method !== "GET" && !ends.includes(name));
  world = await newWorld();
  await subscribe(world.tenant); // members without end
});

/** Answers that are no answer to the caller's request. */
async function send(operation: Operation, by: "member" | "key"): Promise<string[]> {
  const target = await fresh(operation, world);
  const caller = by === "key" || operation.allow === "shopper" ? target.tenant : target.tenant.owner;
  const answers = await atOnce(AT_ONCE, async () => {
    const { method, path, headers, body } = await request(operation, target);
    const { "if-match": _, ...rest } = headers; // whoever comes second has not read the version of the first
    return caller.call(method, path, { headers: operation.method === "PUT" ? headers : rest, body });
  });
  const failed = answers.filter(({ status }) => status >= 500);
  return failed.map(({ status, body }) => `${operation.name} by a ${by}: ${status} ${body?.code}`);
}

test("six at once by a member", async () => {
  const failed: string[] = [];
  for (const operation of writing) failed.push(...(await send(operation, "member")));
  expect(failed).toEqual([]);
});

test("six at once by one secret key", async () => {
  const scoped = writing.filter(({ allow }) => isScope(allow));
  expect(scoped.length).toBeGreaterThan(35);
  const failed: string[] = [];
  for (const operation of scoped) failed.push(...(await send(operation, "key")));
  expect(failed).toEqual([]);
});

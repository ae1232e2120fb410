import { expect } from "vitest";
import { isScope, type Operation, type Schema } from "../isolation/operation.js";
import { request, type World } from "../isolation/world.js";
import { call } from "../support/client.js";
import { flaw } from "./sound.js";

/** Statuses and how often they were answered. */
export const seen: Record<number, number> = {};

export interface Probe {
  operation: Operation;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** Sends what fits but for one thing; no answer is 5xx, slow, or says too much. */
export async function probe(world: World, { operation, path, query = "", headers = {}, body }: Probe) {
  const made = await request(operation, world, { body });
  const caller = isScope(operation.allow) || operation.allow === "shopper" ? world.tenant : world.tenant.owner;
  const since = performance.now();
  const answer = await call(made.method, caller.url + (path ?? made.path) + query, {
    body: made.body,
    headers: {
      ...made.headers,
      ...(operation.allow !== "public" && { authorization: `Bearer ${caller.credential}` }),
      ...headers,
    },
  });
  const slow = performance.now() - since > 15_000 ? "slow" : undefined;
  seen[answer.status] = (seen[answer.status] ?? 0) + 1;
  return { answer, found: flaw(answer, path ? [400] : []) ?? slow };
}

export async function expectNoFlaw(
  world: World,
  probes: readonly (Probe & { what: string })[],
  status?: readonly number[],
): Promise<void> {
  const wrong: unknown[] = [];
  const left = [...probes];
  const runner = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const { answer, found } = await probe(world, one);
      if (found || (status && !status.includes(answer.status)))
        wrong.push([one.operation.name, one.what.slice(0, 100), found, answer.status, answer.text.slice(0, 300)]);
    }
  };
  await Promise.all([1, 2, 3, 4].map(runner));
  expect(wrong).toEqual([]);
}

export const isText = ({ type, properties, items }: Schema) =>
  !properties && !items && (type === undefined || [type].flat().includes("string"));
/** What costs a password's hash, or a tenant, gets a part of it all. */
const dear = new Set(["POST /v1/auth/signup", "POST /v1/auth/login", "POST /v1/admin/members"]);
export const some = <Item>({ name }: Operation, list: readonly Item[]) =>
  dear.has(name) ? list.filter((_, index) => index % 4 === 1) : list;

import { expect } from "vitest";
import type { Body, Caller } from "./client.js";
import { outcome } from "./outcome.js";

const at = (path: string, query: Record<string, string>) =>
  `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(query)}`;

/** All of a list, in pages of `limit`; a page that is not the last one is full. */
export async function walk(caller: Caller, path: string, limit = 1): Promise<Body[]> {
  const all: Body[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page = await caller.get(at(path, { limit: String(limit), ...(cursor && { cursor }) }));
    if (page.nextCursor) expect(page.data).toHaveLength(limit);
    all.push(...page.data);
    cursor = page.nextCursor;
  }
  return all;
}

/**
 * Holds a list to the rules of all lists: pages without gap or repeat, a cursor that belongs to list and filter.
 * @param path of a list with at least two items, without a filter
 * @param filter that the cursor of the list does not belong to
 */
export async function expectPages(caller: Caller, path: string, filter?: string): Promise<void> {
  const whole = await caller.get(at(path, { limit: "100" }));
  expect(whole.data.length).toBeGreaterThan(1);
  expect(whole.nextCursor).toBeNull();
  expect(await walk(caller, path)).toEqual(whole.data);
  const { nextCursor: cursor } = await caller.get(at(path, { limit: "1" }));
  const wrong = [at(path, { cursor: `${cursor}x` }), ...(filter ? [at(`${path}?${filter}`, { cursor })] : [])];
  for (const one of wrong) expect(outcome(await caller.call("GET", one))).toBe("400 cursor_invalid");
}

/** The data of the tenant's events of a type, the newest first. */
export const eventsOf = async (tenant: Caller, type: string): Promise<Body[]> =>
  (await tenant.get(`/v1/admin/events?type=${type}&limit=100`)).data.map(({ data }: Body) => data);

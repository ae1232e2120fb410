import { afterEach, beforeAll, expect } from "vitest";
import type { Answer, Caller } from "../support/client.js";
import { administrator } from "../support/database.js";
import { type Operation, operations } from "./operation.js";
import type { Aim } from "./sample.js";
import { checksums, detector, quiet } from "./victim.js";
import { newWorld, request, subscribe, type Target, type World } from "./world.js";

export interface How {
  /** Whose things the body names; the thief's when left out. */
  world?: World;
  /** What the path names, when it is something else. */
  at?: Target;
  aim?: Aim;
  query?: Record<string, string>;
}

export interface Case extends How {
  /** What is special about the caller or the aim, for who reads a failure. */
  who: string;
  caller: Caller;
  operation: Operation;
}

export interface Attack {
  all: Operation[];
  thief: World;
  victim: World;
  /** What of the victim an answer shows. */
  betrays(answer: Answer): string[];
  /** Names of the operations that each group has tried. */
  rows: Map<string, Set<string>>;
  cases: number;
  /** Sends what fits the operation, and remembers the case; no answer may show anything of the victim. */
  send(group: string, caller: Caller, operation: Operation, how?: How): Promise<Answer>;
  /** Sends each case; fails with the list of those whose answer does not fit. */
  judge(group: string, cases: readonly Case[], fits: (answer: Answer, one: Case) => boolean): Promise<void>;
}

/** Two tenants with one of everything: after each test nothing of the victim's has changed. */
export function attack(): Attack {
  const admin = administrator();
  let before: Record<string, string>;
  const state: Partial<Attack> & Pick<Attack, "rows" | "cases"> = { rows: new Map(), cases: 0 };
  const matrix = Object.assign(state, {
    async send(group: string, caller: Caller, operation: Operation, { world, at, aim, query }: How = {}) {
      const aimed = { ...(at && { at }), ...(aim && { aim }) };
      const { method, path, ...options } = await request(operation, world ?? matrix.thief, aimed);
      const answer = await caller.call(method, `${path}${query ? `?${new URLSearchParams(query)}` : ""}`, options);
      matrix.rows.set(group, (matrix.rows.get(group) ?? new Set()).add(operation.name));
      matrix.cases += 1;
      expect([operation.name, matrix.betrays(answer)]).toEqual([operation.name, []]);
      expect([operation.name, answer.headers.get("cache-control")]).toEqual([operation.name, "no-store"]);
      return answer;
    },
    async judge(group: string, cases: readonly Case[], fits: (answer: Answer, one: Case) => boolean) {
      const wrong: unknown[] = [];
      await each(cases, async (one) => {
        const answer = await matrix.send(group, one.caller, one.operation, one);
        if (!fits(answer, one)) wrong.push([one.operation.name, one.who, answer.status, answer.text.slice(0, 400)]);
      });
      expect(wrong).toEqual([]);
    },
  }) as Attack;

  beforeAll(async () => {
    matrix.all = await operations();
    [matrix.thief, matrix.victim] = await Promise.all([newWorld(), newWorld()]);
    await Promise.all([subscribe(matrix.thief.tenant), subscribe(matrix.victim.tenant)]);
    await Promise.all([quiet(admin, matrix.victim.tenant), quiet(admin, matrix.thief.tenant)]);
    before = await checksums(admin, matrix.victim.tenant);
    matrix.betrays = await detector(admin, matrix.victim.tenant);
  });
  afterEach(async () => {
    expect(await checksums(admin, matrix.victim.tenant)).toEqual(before);
  });
  return matrix;
}

/** A few at once. */
export async function each<Item>(items: readonly Item[], run: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const runner = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: 4 }, runner));
}

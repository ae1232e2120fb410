import { beforeAll, describe, expect, test } from "vitest";
import { isScope, type Operation, operations } from "../isolation/operation.js";
import { newTenant, type Tenant } from "../support/client.js";

let tenant: Tenant;
let lists: Operation[];

beforeAll(async () => {
  tenant = await newTenant();
  lists = (await operations()).filter(({ query }) => query.some(({ name }) => name === "cursor"));
});

/** The lists that do not answer a query as they should, with what they answer. */
async function others(query: string, wanted: string) {
  const answers: string[][] = [];
  for (const { path, allow } of lists) {
    const caller = isScope(allow) ? tenant : tenant.shop;
    answers.push([path, await caller.faults("GET", `${path}?${query}`)]);
  }
  return answers.filter(([, answer]) => answer !== wanted);
}

describe("each list", () => {
  test("has a page of 1 to 100 items", async () => {
    expect(lists.length).toBeGreaterThan(15);
    for (const limit of ["1", "100"]) expect(await others(`limit=${limit}`, "200")).toEqual([]);
    for (const limit of ["0", "101", "ten"])
      expect(await others(`limit=${limit}`, "422 invalid_request /limit")).toEqual([]);
  });

  test("goes on from cursors that it gave out, and from no others", async () => {
    for (const cursor of ["x", "eyJpZCI6IngifQ.AAAAAAAAAAAAAAAAAAAAAA"])
      expect(await others(`cursor=${cursor}`, "400 cursor_invalid cursor")).toEqual([]);
  });

  test("has no filters but those that are documented", async () => {
    expect(await others("color=red", "422 invalid_request /color")).toEqual([]);
  });
});

import { beforeAll, expect, test } from "vitest";
import { isScope, type Operation, operations } from "../isolation/operation.js";
import { newTenant, type Tenant } from "../support/client.js";
import { cartOf } from "../support/stripe.js";

let tenant: Tenant;
/** An order, whose parts some lists have. */
let orderId: string;
let lists: Operation[];

beforeAll(async () => {
  tenant = await newTenant();
  orderId = (await (await cartOf(tenant)).cart.complete()).body.order.id;
  lists = (await operations()).filter(({ query }) => query.some(({ name }) => name === "cursor"));
});

/** The lists that do not answer a query as they should, with what they answer. */
async function others(query: string, wanted: string) {
  const answers: string[][] = [];
  for (const { path, allow } of lists) {
    const caller = isScope(allow) ? tenant : tenant.shop;
    answers.push([path, await caller.faults("GET", `${path.replace("{id}", orderId)}?${query}`)]);
  }
  return answers.filter(([, answer]) => answer !== wanted);
}

test.each([
  ["limit=1", "200"],
  ["limit=100", "200"],
  ["limit=0", "422 invalid_request /limit"],
  ["limit=101", "422 invalid_request /limit"],
  ["limit=ten", "422 invalid_request /limit"],
  ["cursor=x", "400 cursor_invalid cursor"],
  ["cursor=eyJpZCI6IngifQ.AAAAAAAAAAAAAAAAAAAAAA", "400 cursor_invalid cursor"],
  ["color=red", "422 invalid_request /color"],
])("each list answers %s with %s", async (query, wanted) => {
  expect(lists.length).toBeGreaterThan(15);
  expect(await others(query, wanted)).toEqual([]);
});

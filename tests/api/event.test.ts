import { beforeAll, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, eventually, newMember, newProduct, newTenants, type Tenant } from "../support/client.js";
import { expectPages, walk } from "../support/list.js";
import { outcome, tally } from "../support/outcome.js";

const path = "/v1/admin/events";
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const list = async (query = ""): Promise<Body[]> => (await mine.get(`${path}?limit=100${query}`)).data;

test("an event says what happened, by whom, in which request, and when it was published", async () => {
  const made = await mine.call("POST", "/v1/admin/products", { body: { name: "Cup" } });
  const [event] = await list("&type=product.created");
  expect(event).toMatchObject({
    type: "product.created",
    data: { productId: made.body.id },
    actor: { type: "key" },
    requestId: made.headers.get("x-request-id"),
  });
  expect(await mine.get(`${path}/${event?.id}`)).toMatchObject({ id: event?.id, data: event?.data });
  const published = await eventually(async () => {
    const { publishedAt } = await mine.get(`${path}/${event?.id}`);
    return publishedAt;
  });
  expect(Date.parse(published)).toBeGreaterThanOrEqual(Date.parse(event?.createdAt));
});

test("events come the newest first, by type, and page by page", async () => {
  for (const name of ["One", "Two", "Three"]) await mine.post("/v1/admin/products", { name });
  const all = await list("&type=product.created");
  const times = all.map(({ createdAt }) => Date.parse(createdAt));
  expect(times).toEqual(times.toSorted((one, other) => other - one));
  expect(all.length).toBeGreaterThanOrEqual(3);
  await expectPages(mine, path, "type=product.created");
  expect((await walk(mine, `${path}?type=product.created`)).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  expect(await list("&type=nothing.happened")).toEqual([]);
});

test("a change that is refused makes no event", async () => {
  const before = (await list()).length;
  const { productId } = await newProduct(mine);
  await mine.call("PATCH", `/v1/admin/products/${productId}`, {
    body: { name: "Late" },
    headers: { "if-match": '"9"' },
  });
  const types = (await list()).slice(0, -before).map(({ type }) => type);
  expect(types).not.toContain("product.updated");
});

test("an event that nobody has, or another tenant, is not found", async () => {
  const [event] = await list();
  const answers = [
    await mine.call("GET", `${path}/${newTypeId("evt")}`),
    await theirs.call("GET", `${path}/${event?.id}`),
  ];
  expect(tally(answers)).toEqual({ "404 event.not_found": 2 });
  const member = await newMember(mine, "MEMBER");
  expect(outcome(await member.call("GET", path))).toBe("403 forbidden");
});

import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, Caller, newTenant, type Tenant } from "../support/client.js";
import { walk } from "../support/list.js";
import { tally } from "../support/outcome.js";

const PATH = "/v1/admin/api-keys";
const DAY = 86_400_000;
let mine: Tenant;

beforeAll(async () => {
  mine = await newTenant();
});

const create = (more: object = {}) =>
  mine.owner.post(PATH, { kind: "secret", name: "robot", scopes: ["catalog:read"], ...more });
const pathOf = ({ id }: Body) => `${PATH}/${id}`;
const use = ({ key }: Body) => new Caller(mine.url, key).outcome("GET", "/v1/admin/products");

describe("a key that a key has created", () => {
  const soon = () => new Date(Date.now() + 5_000).toISOString();
  const parent = async (more: object = {}) => {
    const made = await create({ scopes: ["keys:write", "catalog:read"], ...more });
    return Object.assign(new Caller(mine.url, made.key), { id: made.id as string, key: made.key as string });
  };
  const child = (of: Caller, more: object = {}) =>
    of.post(PATH, { kind: "secret", name: "child", scopes: ["catalog:read"], ...more });

  test("knows its parent and the member behind it, and is found by them", async () => {
    const maker = await parent();
    const [grandchild, { member }] = await Promise.all([child(maker), mine.owner.get("/v1/auth/me")]);
    expect(grandchild).toMatchObject({ createdBy: member.id, parentId: maker.id });
    expect((await walk(mine.owner, `${PATH}?parentId=${maker.id}`)).map(({ id }) => id)).toEqual([grandchild.id]);
    expect((await walk(mine.owner, `${PATH}?createdBy=${member.id}`)).map(({ id }) => id)).toContain(grandchild.id);
    expect(await walk(mine.owner, `${PATH}?createdBy=${newTypeId("mbr")}`)).toEqual([]);
  });

  test("ends no later than its parent, whatever it asks for", async () => {
    const expiresAt = soon();
    const maker = await parent({ expiresAt });
    const [eternal, shorter] = [
      await child(maker),
      await child(maker, { expiresAt: new Date(Date.now() + 4_000).toISOString() }),
    ];
    expect(Date.parse(eternal.expiresAt)).toBe(Date.parse(expiresAt));
    expect(Date.parse(shorter.expiresAt)).toBeLessThanOrEqual(Date.parse(expiresAt));
    const body = { kind: "secret", name: "x", scopes: [], expiresAt: new Date(Date.now() + DAY).toISOString() };
    expect(await maker.faults("POST", PATH, { body })).toBe("422 invalid_request /expiresAt");
    const other = await create({ scopes: ["catalog:read"] });
    const rolled = await maker.post(`${pathOf(other)}/roll`, {});
    expect([rolled.parentId, Date.parse(rolled.expiresAt)]).toEqual([maker.id, Date.parse(expiresAt)]);
  });

  test("dies with each of its ancestors: revoked, or replaced", async () => {
    for (const end of [
      (id: string) => mine.owner.call("DELETE", pathOf({ id })),
      (id: string) => mine.owner.call("POST", `${pathOf({ id })}/roll`, { body: {} }),
    ]) {
      const first = await parent();
      const made = await child(first, { scopes: ["keys:write", "catalog:read"] });
      const last = await child(new Caller(mine.url, made.key));
      expect([await use(made), await use(last)]).toEqual(["200", "200"]);
      expect((await end(first.id)).status).toBeLessThan(300);
      expect([await use(made), await use(last)]).toEqual(["401 credential_invalid", "401 credential_invalid"]);
    }
  });

  test("is not made when too many have created one another", async () => {
    const body = { kind: "secret", name: "next", scopes: ["keys:write"] };
    let last = await parent();
    const answers = [];
    for (let depth = 0; depth < 12; depth += 1) {
      const answer = await last.call("POST", PATH, { body });
      answers.push(answer);
      if (answer.status === 201) last = Object.assign(new Caller(mine.url, answer.body.key), answer.body);
    }
    expect(tally(answers)).toEqual({ "201": 10, "409 api_key.too_deep": 2 });
  });

  test("stands where it stood when it rolls itself", async () => {
    const first = await parent();
    const made = await child(first, { scopes: ["keys:write", "catalog:read"] });
    const rolled = await new Caller(mine.url, made.key).post(`${pathOf(made)}/roll`, {});
    expect(rolled.parentId).toBe(first.id);
    await mine.owner.delete(pathOf(first));
    expect(await use(rolled)).toBe("401 credential_invalid");
  });
});

import { describe, expect, test } from "vitest";
import { client, clock, failure, pay, standIn, start, stripe } from "./stand-in.js";

const make = async (count: number) => {
  const ids: string[] = [];
  for (let at = 0; at < count; at++) {
    ids.push((await stripe.paymentIntents.create({ amount: 100 + at, currency: "eur" })).id);
    await clock.advance(1000);
  }
  return ids;
};

describe("a list", () => {
  test("goes from new to old, in pages that one may walk both ways", async () => {
    const ids = (await make(5)).toReversed();
    const page = async (params: object) => {
      const { data, has_more } = await stripe.paymentIntents.list({ limit: 2, ...params });
      return [data.map(({ id }) => ids.indexOf(id)), has_more];
    };
    expect(await page({})).toEqual([[0, 1], true]);
    expect(await page({ starting_after: ids[1] })).toEqual([[2, 3], true]);
    expect(await page({ starting_after: ids[3] })).toEqual([[4], false]);
    expect(await page({ ending_before: ids[3] })).toEqual([[1, 2], true]);
    expect(await page({ ending_before: ids[2] })).toEqual([[0, 1], false]);
    const all: string[] = [];
    for await (const { id } of stripe.paymentIntents.list({ limit: 2 })) all.push(id);
    expect(all).toEqual(ids);
  });

  test("is narrowed by time and by what things belong to", async () => {
    const ids = await make(3);
    const second = (await stripe.paymentIntents.retrieve(ids[1] ?? "")).created;
    const at = async (created: object | number) =>
      (await stripe.paymentIntents.list({ created: created as number })).data.map(({ id }) => ids.indexOf(id));
    expect(await at({ gte: second })).toEqual([2, 1]);
    expect(await at({ gt: second })).toEqual([2]);
    expect(await at({ lte: second })).toEqual([1, 0]);
    expect(await at(second)).toEqual([1]);
    const paid = await pay();
    await pay();
    expect((await stripe.charges.list({ payment_intent: paid.id })).data.map(({ id }) => id)).toEqual([
      paid.latest_charge,
    ]);
  });

  test.for([
    [{ limit: 101 }, "limit"],
    [{ limit: 0 }, "limit"],
    [{ starting_after: "pi_gone" }, "starting_after"],
    [{ created: { since: 1 } }, "created[since]"],
    [{ status: "succeeded" }, "status"],
  ] as const)("%o is refused", async ([params, param]) => {
    const list = stripe.paymentIntents.list(params as object);
    expect(await failure(list)).toMatchObject({ statusCode: 400, param });
  });
});

describe("what is expanded", () => {
  test("is there as an object, to four levels", async () => {
    const { id } = await pay();
    const paid = await stripe.paymentIntents.retrieve(id, {
      expand: ["latest_charge.payment_intent", "payment_method"],
    });
    expect(paid).toMatchObject({
      latest_charge: { payment_intent: { id } },
      payment_method: { object: "payment_method" },
    });
    const list = await stripe.paymentIntents.list({ expand: ["data.latest_charge", "data.customer"] });
    expect(list.data[0]).toMatchObject({ latest_charge: { object: "charge" }, customer: null });
    expect(standIn.objects("payment_intent")[0]?.latest_charge).toMatch(/^ch_/);
  });

  test.for(["amount", "nonsense", "latest_charge.payment_intent.latest_charge.payment_intent.customer", "id"])(
    "%s cannot be",
    async (path) => {
      const { id } = await pay();
      const expand = stripe.paymentIntents.retrieve(id, { expand: [path] });
      expect(await failure(expand)).toMatchObject({ statusCode: 400, param: "expand" });
    },
  );
});

test("keys, versions, paths and bodies are Stripe's", async () => {
  expect(await failure(client("sk_test_wrong0000000").refunds.list())).toMatchObject({
    type: "StripeAuthenticationError",
    statusCode: 401,
  });
  expect(await failure(stripe.refunds.retrieve("re_gone"))).toMatchObject({
    statusCode: 404,
    code: "resource_missing",
  });
  const url = (path: string) => `${standIn.url}${path}`;
  const headers = { authorization: "Bearer sk_test_standin0000000001" };
  const status = async (path: string, init: RequestInit = {}) =>
    (await fetch(url(path), { headers: { ...headers, ...init.headers }, ...init })).status;
  expect(await status("/v1/nonsense")).toBe(404);
  expect(await status("/v1/refunds", { headers: {} })).toBe(401);
  expect(await status("/v1/refunds", { headers: { ...headers, "stripe-version": "2019-01-01" } })).toBe(400);
  const json = { ...headers, "content-type": "application/json" };
  expect(await status("/v1/payment_intents", { method: "POST", headers: json, body: "{}" })).toBe(400);
  const broken = {
    method: "POST",
    body: "amount=%zz",
    headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
  };
  expect(await status("/v1/payment_intents", broken)).toBe(400);
});

test("a live key makes live objects, and knows no test cards", async () => {
  await standIn.stop();
  await start({ secretKey: "sk_live_standin0000000001" });
  const live = client("sk_live_standin0000000001");
  const intent = await live.paymentIntents.create({ amount: 100, currency: "eur" });
  expect(intent.livemode).toBe(true);
  expect((await live.events.list({})).data[0]?.livemode).toBe(true);
  const test = live.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
  expect(await failure(test)).toMatchObject({ code: "resource_missing", param: "payment_method" });
});

test("metadata is added to, taken from key by key, or emptied", async () => {
  const { id } = await stripe.paymentIntents.create({ amount: 100, currency: "eur", metadata: { a: "1", b: "2" } });
  const set = async (metadata: object | "") =>
    (await stripe.paymentIntents.update(id, { metadata: metadata as "" })).metadata;
  expect(await set({ b: "", c: "3" })).toEqual({ a: "1", c: "3" });
  expect(await set("")).toEqual({});
  const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`k${at}`, "v"]));
  expect(await failure(set(tooMany))).toMatchObject({ statusCode: 400, param: "metadata" });
  expect(await failure(set({ k: "x".repeat(501) }))).toMatchObject({ param: "metadata[k]" });
});

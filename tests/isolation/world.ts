import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { offer, pay } from "../billing/account.js";
import {
  type Body,
  Caller,
  Cart,
  eventually,
  newMember,
  newProduct,
  newTenant,
  password,
  sellByHand,
  type Tenant,
  unique,
} from "../support/client.js";
import { byCard, connect, StripeSide } from "../support/stripe.js";
import { newDispute, newIncident } from "./money.js";
import { type Operation, operations, prefixOf } from "./operation.js";
import { type Aim, also, fieldsOf, type Ids, pathOf, sample } from "./sample.js";

/** What a request is aimed at: things by the prefix of their ids, and what opens a cart or its order. */
export interface Target {
  ids: Ids;
  tokens: { crt: string; ord: string };
  version: number;
}

/** A tenant with at least one of everything that has an id. */
export interface World extends Target {
  tenant: Tenant;
  /** The operations that create the things for which nothing is said here, such as a plugin's, by the prefix of their ids. */
  creations: Record<string, Operation>;
}

async function newCart({ tenant, ids }: Pick<World, "tenant" | "ids">) {
  const cart = await Cart.open(tenant.shop);
  const { id: crt, token } = cart.state;
  await cart.add(ids.var ?? "");
  await cart.prepare();
  return { cart, ids: { crt, lin: cart.state.lines[0].id }, token: token as string };
}

async function newOrder(world: Pick<World, "tenant" | "ids">, completion = {}) {
  const { cart, token } = await newCart(world);
  const { status, body, text } = await cart.complete(undefined, completion);
  if (status !== 200) throw new Error(`The cart cannot be completed: ${text}`);
  return { ids: { ord: body.order.id as string }, token, paymentStatus: body.order.paymentStatus as string };
}

async function firsts(tenant: Tenant): Promise<Ids> {
  const lists = {
    rgn: "regions",
    chn: "channels",
    loc: "locations",
    shp: "shipping-options",
    txc: "tax-classes",
    txr: "tax-rates",
    evt: "events",
    job: "jobs",
  };
  const found = Object.entries(lists).map(async ([prefix, list]) => {
    const first = await eventually(async () => (await tenant.get(`/v1/admin/${list}`)).data[0]);
    return [prefix, first.id] as const;
  });
  return Object.fromEntries(await Promise.all(found));
}

/** A member who has made a key that has made a key. */
async function newKeyMaker(tenant: Tenant) {
  const member = await newMember(tenant, "ADMIN");
  const keys = "/v1/admin/api-keys";
  const made = await member.post(keys, { kind: "secret", name: "of nobody", scopes: ["keys:write"] });
  await new Caller(tenant.url, made.key).post(keys, { kind: "publishable", name: "of a key" });
  return { mbr: member.id, key: made.id as string };
}

/** Another session of the owner. */
async function newSession({ url, slug, ownerEmail }: Tenant): Promise<string> {
  const login = { tenant: slug, email: ownerEmail, password };
  const { accessToken } = await new Caller(url, undefined).post("/v1/auth/login", login);
  return (await new Caller(url, accessToken).get("/v1/auth/me")).session.id;
}

export async function newWorld(): Promise<World> {
  const tenant = await newTenant();
  const { productId, variantId } = await newProduct(tenant, { stock: 1_000 });
  const { mbr, key } = await newKeyMaker(tenant);
  await connect(tenant, new StripeSide(inject("system").stripeUrl));
  const ses = await newSession(tenant);
  const ids: Ids = { ...(await firsts(tenant)), ten: tenant.id, prd: productId, var: variantId, key, mbr, ses };
  const world = { tenant, ids };
  const order = await newOrder(world);
  const { cart, ids: inCart, token } = await newCart(world);
  const tokens = { crt: token, ord: order.token };
  const ofMoney = { ...(await newDispute(order.ids.ord)), ...(await newIncident(tenant.id)) };
  const named = { ...world.ids, ...order.ids, ...inCart, ...ofMoney };
  return addOthers({ tenant, ids: named, tokens, version: cart.state.version, creations: {} });
}

/** The kinds of ids that a request names: in its path, its query, its body. */
const prefixesIn = ({ params, query, body = {} }: Operation): string[] =>
  [...params, ...query, ...fieldsOf(body, (schema) => prefixOf(schema) !== undefined)].flatMap(
    ({ schema }) => prefixOf(schema) ?? [],
  );

/**
 * Adds one of each thing that an operation names and that the world does not have, created through the API.
 * @throws Error that names the kinds of ids that no operation creates
 */
async function addOthers(world: World): Promise<World> {
  const all = await operations();
  const missing = () => [...new Set(all.flatMap(prefixesIn))].filter((prefix) => !(prefix in world.ids));
  for (let left = missing(); left.length > 0; left = missing()) {
    const creation = all.find(
      (operation) =>
        operation.method === "POST" &&
        left.includes(operation.answers ?? "") &&
        prefixesIn(operation).every((prefix) => prefix in world.ids),
    );
    if (!creation?.answers) throw new Error(`Say in tests/isolation/world.ts how to make one of: ${left}.`);
    world.creations[creation.answers] = creation;
    Object.assign(world.ids, await create(creation, world));
  }
  return world;
}

async function create(creation: Operation, world: World): Promise<Ids> {
  const { method, path, ...options } = await request(creation, world);
  const { status, body, text } = await world.tenant.owner.call(method, path, options);
  if (status !== creation.done) throw new Error(`${creation.name} creates nothing: ${text}`);
  return { [creation.answers ?? ""]: body.id };
}

/** Pays for the plan without limits, as its owner does, and waits until that is known. */
export async function subscribe({ owner }: Tenant): Promise<void> {
  await pay((await owner.post("/v1/billing/checkout", offer("scale"))).url);
  const isKnown = async () => (await owner.get("/v1/billing/subscription")).subscriptionStatus === "trialing";
  await eventually(isKnown, 30_000);
}

/** Things, or a tenant, in the state in which an operation can do what it is for. */
const inState: Record<string, (world: World) => Promise<{ ids: Ids; token?: string; tenant?: Tenant }>> = {
  // Whoever has a plan opens no checkout.
  "POST /v1/billing/checkout": async () => ({ ids: {}, tenant: await newTenant() }),
  "DELETE /v1/admin/payments/account": async () => {
    const tenant = await newTenant();
    await connect(tenant, new StripeSide(inject("system").stripeUrl));
    return { ids: {}, tenant };
  },
  "POST /v1/auth/password": async () => ({ ids: {}, tenant: await newTenant() }),
  "DELETE /v1/auth/sessions": async () => ({ ids: {}, tenant: await newTenant() }),
  "POST /v1/store/orders/{id}/payments": (world) => newOrder(world, byCard),
  "POST /v1/store/orders/{id}/cancel": (world) => newOrder(world, byCard),
  "PATCH /v1/admin/products/{id}": async () => ({ ids: {} }),
  "POST /v1/admin/orders/{id}/refunds": async (world) => {
    await sellByHand(world.tenant.owner); // an earlier request may have set something else
    const order = await newOrder(world); // captured, if that is what an earlier request has set
    if (order.paymentStatus !== "captured") await world.tenant.post(`/v1/admin/orders/${order.ids.ord}/capture`, {});
    return order;
  },
};

/** A thing of its own for each operation that may use it up. */
const makers: Record<string, (world: World) => Promise<{ ids: Ids; token?: string; cart?: Cart; tenant?: Tenant }>> = {
  crt: newCart,
  ord: newOrder,
  inc: async ({ tenant }) => ({ ids: await newIncident(tenant.id) }),
  prd: async ({ tenant }) => ({ ids: { prd: (await tenant.post("/v1/admin/products", { name: "Short-lived" })).id } }),
  var: async ({ tenant }) => ({ ids: { var: (await newProduct(tenant)).variantId } }),
  ses: async ({ tenant }) => ({ ids: { ses: await newSession(tenant) } }),
  mbr: async ({ tenant }) => ({ ids: { mbr: (await newMember(tenant, "MEMBER")).id } }),
  key: async ({ tenant }) => {
    const made = await tenant.owner.post("/v1/admin/api-keys", { kind: "publishable", name: "short-lived" });
    return { ids: { key: made.id } };
  },
};

/** The world with a fresh thing in the place of what the operation's path names and may change. */
export async function fresh({ name, method, params }: Operation, world: World): Promise<World> {
  const prefix = prefixOf(params[0]?.schema ?? {});
  const creation = world.creations[prefix ?? ""];
  const make: (typeof makers)[string] | undefined =
    inState[name] ?? makers[prefix ?? ""] ?? (creation && (async () => ({ ids: await create(creation, world) })));
  const made = method === "GET" ? undefined : await make?.(world);
  if (!made) return world;
  const { ids, token = "", cart, tenant = world.tenant } = made;
  const tokens = { ...world.tokens, [prefix ?? ""]: token };
  return { ...world, tenant, ids: { ...world.ids, ...ids }, tokens, version: cart?.state.version ?? world.version };
}

/** Ids that nobody has. */
export const unknown = (ids: Ids): Ids =>
  Object.fromEntries(Object.keys(ids).map((prefix) => [prefix, newTypeId(prefix)]));

/** Bodies whose rules no schema can say. */
const given: Record<string, (world: World) => Body | Promise<Body>> = {
  "POST /v1/auth/login": ({ tenant }) => ({ tenant: tenant.slug, email: tenant.ownerEmail, password }),
  "POST /v1/auth/refresh": async ({ tenant }) => {
    const login = { tenant: tenant.slug, email: tenant.ownerEmail, password };
    const { refreshToken } = await new Caller(tenant.url, undefined).post("/v1/auth/login", login);
    return { refreshToken };
  },
  "POST /v1/auth/password": () => ({ currentPassword: password, password: `${password} ${unique()}` }),
  "POST /v1/billing/change": () => ({ plan: "scale", interval: "year" }), // a smaller one has no room for what follows
};

export interface Made {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Body;
}

/**
 * A request that fits: the path names things of `at`, the body things of `world`.
 * @param aim a field of the body with a value of its own
 * @param body what is sent whatever fits
 */
export async function request(
  operation: Operation,
  world: World,
  { at = world, aim, body }: { at?: Target; aim?: Aim; body?: unknown } = {},
): Promise<Made> {
  const { name, method, params, headers, body: schema } = operation;
  const values: Record<string, string> = {
    "idempotency-key": randomUUID(),
    "x-cart-token": at.tokens[prefixOf(params[0]?.schema ?? {}) === "ord" ? "ord" : "crt"],
    // The mail moves the version of an order by itself.
    "if-match": prefixOf(params[0]?.schema ?? {}) === "ord" ? "*" : `"${at.version}"`,
  };
  const sent = headers.filter((header) => header.required || header.name === "idempotency-key");
  const aims = [...(aim ? [aim] : []), ...(also[name] ?? [])];
  const fitting = async () => (given[name] ? await given[name](world) : schema && sample(schema, world.ids, aims));
  return {
    method,
    path: pathOf(operation, at.ids),
    headers: Object.fromEntries(sent.map((header) => [header.name, values[header.name] ?? ""])),
    body: body === undefined ? await fitting() : body,
  };
}

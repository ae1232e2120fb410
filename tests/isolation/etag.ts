import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, unique } from "../support/client.js";
import { administrator } from "../support/database.js";
import { subscribe, type World } from "./world.js";

const admin = administrator();

type Change = (world: World) => Promise<unknown>;
const any = { "if-match": "*" };

const price = (amount: number) => ({ prices: [{ currency: "EUR", amount, taxInclusive: true }] });
const changePrice: Change = ({ tenant, ids }) => tenant.put(`/v1/admin/variants/${ids.var}/prices`, price(4_321), any);
const onOrder =
  (what: string, body: object): Change =>
  ({ tenant, ids }) =>
    tenant.post(`/v1/admin/orders/${ids.ord}/${what}`, body);

/** How each thing that has an ETag changes, itself and by the rows that its body shows, in the order in which it can. */
export const changes: Record<string, Record<string, Change>> = {
  "GET /v1/admin/tenant": {
    "its name": ({ tenant }) => tenant.owner.patch("/v1/admin/tenant", { name: unique("Shop ") }, any),
  },
  "GET /v1/admin/tax-rates": {
    "a rate": ({ tenant, ids }) => {
      const rate = { taxClassId: ids.txc, country: "FR", name: "TVA", rate: 2_000 };
      return tenant.put("/v1/admin/tax-rates", { rates: [rate] }, any);
    },
  },
  "GET /v1/admin/products/{id}": {
    "its name": ({ tenant, ids }) => tenant.patch(`/v1/admin/products/${ids.prd}`, { name: unique("Mug ") }, any),
    "a variant": ({ tenant, ids }) => tenant.patch(`/v1/admin/variants/${ids.var}`, { name: unique("Blue ") }, any),
    "a price": changePrice,
    stock: ({ tenant, ids }) => {
      const adjustments = [{ variantId: ids.var, delta: 1 }];
      return tenant.post("/v1/admin/inventory/adjustments", { adjustments, reason: "received" });
    },
  },
  "GET /v1/admin/variants/{id}/prices": {
    "a price": ({ tenant, ids }) => tenant.put(`/v1/admin/variants/${ids.var}/prices`, price(5_432), any),
  },
  "GET /v1/store/carts/{id}": {
    "the price of its line": changePrice,
    "its address": ({ tenant, ids, tokens }) =>
      tenant.shop.patch(
        `/v1/store/carts/${ids.crt}`,
        { email: `${unique("e")}@matrix.test` },
        { ...any, "x-cart-token": tokens.crt },
      ),
    // All that no order holds is gone.
    stock: async ({ tenant, ids }) => {
      const { data } = await tenant.get("/v1/admin/inventory?limit=100");
      const { reserved } = data.find(({ variantId }: Body) => variantId === ids.var);
      const adjustments = [{ variantId: ids.var, set: reserved }];
      return tenant.post("/v1/admin/inventory/adjustments", { adjustments, reason: "damaged" });
    },
  },
  "GET /v1/admin/orders/{id}": {
    "a note": onOrder("notes", { text: "Call before delivery" }),
    "a capture": onOrder("capture", {}),
    "a refund": onOrder("refunds", { amount: 100 }),
    "another refund": onOrder("refunds", { amount: 100 }),
  },
  "GET /v1/store/orders/{id}": { "a refund of the rest": onOrder("refunds", {}) },
  "GET /v1/admin/payments/account": {
    "its capture": ({ tenant }) => tenant.owner.patch("/v1/admin/payments/account", { capture: "manual" }, any),
  },
  "GET /v1/admin/payment-methods": {
    "a method": ({ tenant }) => tenant.owner.put("/v1/admin/payment-methods", { methods: null }, any),
  },
  "GET /v1/admin/disputes/{id}": {
    // What only a payment provider brings about is written behind the walls.
    "its status": async ({ ids }) => {
      const change = "update dispute set status = 'under_review', updated_at = now() where id = $1";
      await admin.query(change, [typeIdToUuid("dsp", ids.dsp ?? "")]);
    },
  },
  "GET /v1/admin/members/{id}": {
    "its name": ({ tenant, ids }) => tenant.owner.patch(`/v1/admin/members/${ids.mbr}`, { name: unique("Max ") }, any),
  },
  "GET /v1/admin/api-keys/{id}": {
    "its name": ({ tenant, ids }) => tenant.owner.patch(`/v1/admin/api-keys/${ids.key}`, { name: unique("k") }, any),
  },
  "GET /v1/billing/subscription": { "a plan": ({ tenant }) => subscribe(tenant) },
};

import { z } from "zod";
import { type Kind, type Route, route } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { listing, nothing, oneOf, text } from "../engine/shape.js";
import { cancel, cancelParams } from "./subscription-cancellation.js";
import { create, createParams } from "./subscription-creation.js";
import { fresh } from "./subscription-shape.js";
import { update, updateParams } from "./subscription-update.js";

const statuses = [
  "active",
  "canceled",
  "incomplete",
  "incomplete_expired",
  "past_due",
  "paused",
  "trialing",
  "unpaid",
] as const;
const listParams = z.strictObject({
  ...listing,
  customer: text.optional(),
  price: text.optional(),
  status: oneOf(...statuses, "all", "ended").optional(),
});

const ended = new Set(["canceled", "incomplete_expired"]);

/** A list without `status` omits canceled subscriptions. @see https://docs.stripe.com/api/subscriptions/list */
function hasStatus(wanted: z.output<typeof listParams>["status"], status: string) {
  if (wanted === undefined) return status !== "canceled";
  if (wanted === "ended") return ended.has(status);
  return wanted === "all" || wanted === status;
}

const itemListParams = z.strictObject({ ...listing, subscription: text });

export const subscriptionRoutes: readonly Route[] = [
  route("POST", "/v1/subscriptions", createParams, ({ params }, store) => fresh(store, create(store, params))),
  route("GET", "/v1/subscriptions", listParams, ({ params: { customer, price, status, ...params } }, store) => {
    const page = store.page("subscription", params, {
      customer,
      status: (subscription) => hasStatus(status, subscription.status),
      items: ({ items }) => price === undefined || items.data.some((item) => item.price.id === price),
    });
    return { ...page, data: page.data.map((subscription) => fresh(store, subscription)) };
  }),
  route("GET", "/v1/subscriptions/:id", nothing, ({ path }, store) => fresh(store, store.get("subscription", path.id))),
  route("POST", "/v1/subscriptions/:id", updateParams, ({ path, params }, store) =>
    fresh(store, update(store, store.get("subscription", path.id), params)),
  ),
  route("DELETE", "/v1/subscriptions/:id", cancelParams, ({ path, params }, store) =>
    fresh(store, cancel(store, path.id, params)),
  ),
  route("GET", "/v1/subscription_items", itemListParams, ({ params: { subscription, ...params } }, store) => {
    if (params.starting_after !== undefined || params.ending_before !== undefined)
      throw refused("The stand-in lists the items of a subscription on one page.");
    const { items } = fresh(store, store.get("subscription", subscription, "subscription"));
    return { ...items, data: items.data.slice(0, params.limit ?? 10) };
  }),
];

export const subscriptionKinds: readonly Kind[] = [
  { type: "subscription", prefix: "sub", index: ["customer"] },
  { type: "invoiceitem", prefix: "ii", index: ["customer"] },
];

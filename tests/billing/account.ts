import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { withContext } from "../../core/kernel/actor.js";
import type { Host } from "../../stacks/local/host.js";
import type { StripeStandIn } from "../../stacks/local/stripe/server.js";
import { settle } from "../messages/system.js";
import { tenantUuid } from "../race/race.js";
import type { Body, Tenant } from "../support/client.js";

/** The subscription as the API shows it. */
export const subscriptionOf = ({ owner }: Tenant): Promise<Body> => owner.get("/v1/billing/subscription");

/** `past_due read_only`. */
export async function standingOf(tenant: Tenant): Promise<string> {
  const { status, access } = await subscriptionOf(tenant);
  return `${status} ${access}`;
}

/** What the database keeps, without what is different each time. */
export async function rowOf({ admin }: Host, tenant: Tenant): Promise<Record<string, unknown>> {
  const [row] = await admin.query(
    `select s.customer, s.subscription, s.plan, s.interval, s.status as "subscriptionStatus", s.trial_ends_at::text as "trialEndsAt",
        s.current_period_end::text as "currentPeriodEnd", s.cancel_at::text as "cancelAt", s.past_due_since::text as "pastDueSince",
        s.dunning_step as "dunningStep", t.status, t.access, t.plan as "tenantPlan", t.request_rate as "requestRate"
       from subscription s join tenant t using (tenant_id) where tenant_id = $1`,
    [tenantUuid(tenant)],
  );
  return row ?? {};
}

/** The database's clock cannot be moved: what it dates is moved the other way, at Stripe as well. */
export async function letDaysPass({ admin, stripe }: Host, tenant: Tenant, days: number): Promise<void> {
  const { customer } = await rowOf({ admin } as Host, tenant);
  for (const invoice of stripe?.objects("invoice", null) ?? []) {
    if (invoice.customer !== customer || invoice.status !== "open") continue;
    const { finalized_at: at, ...moved } = invoice.status_transitions;
    const earlier = (at ?? invoice.created) - days * 86_400;
    stripe?.store().change(invoice, { status_transitions: { ...moved, finalized_at: earlier } });
  }
  await admin.query(
    `update subscription set trial_ends_at = trial_ends_at - make_interval(days => $2),
        past_due_since = past_due_since - make_interval(days => $2), next_step_at = next_step_at - make_interval(days => $2)
      where tenant_id = $1`,
    [tenantUuid(tenant), days],
  );
}

/** Mails to the owner, oldest first. */
export const mailsTo = ({ mailbox }: Host, { ownerEmail }: Tenant) =>
  mailbox
    .list()
    .filter(({ to }) => to === ownerEmail)
    .toReversed();

export const eventsOf = async ({ admin }: Host, tenant: Tenant, type: string) =>
  (
    await admin.query("select data from event where tenant_id = $1 and type = $2 order by id", [
      tenantUuid(tenant),
      type,
    ])
  ).map(({ data }) => data as Record<string, unknown>);

/** Runs a function of the domain as the system does, in the database of a host. */
export function asSystemOf<T>(host: Host, tenantId: string, run: () => Promise<T>): Promise<T> {
  Object.assign(process.env, host.env("jobs"));
  return withContext({ actor: { type: "system", tenantId }, requestId: `req_${randomUUID()}` }, run);
}

/** Whoever touches the table waits until it is released. */
export async function holdTable({ admin }: Host, table: string) {
  const client = new pg.Client(admin.url);
  await client.connect();
  await client.query(`begin; lock table ${table} in access exclusive mode`);
  return {
    async waiting() {
      for (const end = Date.now() + 10_000; Date.now() < end; await sleep(20)) {
        const waiting = await admin.query(
          "select from pg_stat_activity where wait_event_type = 'Lock' and usename = 'stoa_app'",
        );
        if (waiting.length > 0) return;
      }
      throw new Error("Nobody waits.");
    },
    async release() {
      await client.query("rollback");
      await client.end();
    },
  };
}

export function stripeOf({ stripe }: Host): StripeStandIn {
  if (!stripe) throw new Error("This host has no stand-in.");
  return stripe;
}

/** Resolves when every webhook has arrived and all that follows from it is done. */
export async function follow(host: Host): Promise<void> {
  await stripeOf(host).settled();
  await settle(host);
}

const pages = { successUrl: "https://shop.example.com/welcome", cancelUrl: "https://shop.example.com/plans" };
export const offer = (plan: string, interval = "month") => ({ plan, interval, ...pages });

/** What a person types into the page of the checkout. */
export async function pay(url: string, number = "4242 4242 4242 4242"): Promise<string | null> {
  const page = await fetch(url);
  if (page.status !== 200) throw new Error(`The page answers ${page.status}.`);
  const body = new URLSearchParams({ number, expiry: "12 / 34", cvc: "123", name: "Olga Owner" });
  const { headers } = await fetch(url, { method: "POST", body, redirect: "manual" });
  return headers.get("location");
}

/** A tenant that has subscribed as people do, and everything that came of it. */
export async function subscribe(host: Host, tenant: Tenant, plan = "growth", interval = "month"): Promise<void> {
  const { url } = await tenant.owner.post("/v1/billing/checkout", offer(plan, interval));
  const back = await pay(url);
  if (back !== pages.successUrl) throw new Error(`The page leads to ${back}.`);
  await follow(host);
}

/** The same without a trial: what they chose is paid for at once. */
export async function subscribeLate(host: Host, tenant: Tenant, plan = "growth", interval = "month"): Promise<void> {
  await letDaysPass(host, tenant, 15);
  await subscribe(host, tenant, plan, interval);
}

/** What may happen to a subscription. */
export const moves = [
  "upgrade",
  "yearly",
  "fail",
  "pay",
  "renew",
  "cancel",
  "leave",
  "resume",
  "end",
  "subscribe",
] as const;

/** Makes one of them happen at Stripe, as far as it can; what we hear of it is another matter. */
export async function live(host: Host, tenant: Tenant, move: (typeof moves)[number]): Promise<void> {
  const stripe = stripeOf(host);
  const { customer } = await rowOf(host, tenant);
  const own = <Owned extends { customer?: unknown }>(all: readonly Owned[]) =>
    all.filter((one) => one.customer === customer && customer !== null);
  const found = own(stripe.objects("subscription", null)).find(({ ended_at: at }) => at === null);
  const open = own(stripe.objects("invoice", null)).find(({ status }) => status === "open")?.hosted_invoice_url;
  const send = (path: string, body?: unknown) =>
    tenant.owner.call("POST", `/v1/billing/${path}`, { body, headers: { "idempotency-key": randomUUID() } });
  if (move === "subscribe") {
    const { body } = await send("checkout", offer("starter"));
    if (body.url) await pay(body.url);
    return;
  }
  if (!found) return;
  const { id: subscription, items } = found;
  if (move === "upgrade") await send("change", { plan: "growth", interval: "month" });
  if (move === "yearly") await send("change", { plan: "growth", interval: "year" });
  if (move === "cancel" || move === "resume") await send(move);
  // As Stripe's portal does it.
  if (move === "leave") stripe.store().change(found, { cancel_at: items.data[0]?.current_period_end ?? null });
  if (move === "fail") stripe.act("make_past_due", { subscription });
  if (move === "renew") stripe.act("renew_now", { subscription });
  if (move === "end") stripe.act("cancel_subscription", { subscription });
  if (move !== "pay") return;
  stripe.act("set_card", { subscription, card: "pm_card_visa" });
  if (open) await pay(open);
}

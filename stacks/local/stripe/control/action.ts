import { Agent } from "node:http";
import type Stripe from "stripe";
import type { Disorder, Fault } from "../engine/chaos.js";
import type { Delivering } from "../engine/delivery.js";
import { refused } from "../engine/failure.js";
import { newId } from "../engine/id.js";
import { type Core, createStore } from "../engine/store.js";
import { post, signature } from "../engine/webhook-request.js";

type Input = Record<string, unknown>;
/** Actions by name: those of the modules, with the platform's store, and those on events. */
export type Actions = Record<string, (input: Input) => unknown>;

const pick = (input: unknown, known: object) => {
  const unknown = Object.keys(input ?? {}).find((name) => !(name in known));
  if (unknown) throw refused(`There is no switch ${unknown}.`);
  return input as object;
};

/** Sets the given switches; `{ "reset": true }` turns all off first. */
export function setChaos({ chaos, reset }: Disorder, { reset: all, ...input }: Input) {
  if (all) reset();
  const { webhooks, decline, faults, ...rest } = pick(input, chaos) as Input;
  Object.assign(chaos, rest);
  Object.assign(chaos.webhooks, pick(webhooks ?? {}, chaos.webhooks));
  Object.assign(chaos.decline, pick(decline ?? {}, chaos.decline));
  if (faults) chaos.faults = (faults as Fault[]).map((fault) => ({ ...fault }));
  return chaos;
}

function eventOf(core: Core, id: string): Stripe.Event {
  for (const { type, table } of core.tables.all()) {
    const found = type === "event" && table.byId.get(id)?.object;
    if (found) return found as Stripe.Event;
  }
  throw refused(`No such event: '${id}'`, { status: 404, code: "resource_missing" });
}

export interface Forgery {
  /** Receiver; by default the first endpoint of the kind. */
  readonly url?: string;
  readonly connect?: boolean;
  /** Id of an event to send; by default a new one of this type and object. */
  readonly event?: string;
  readonly type?: string;
  readonly object?: object;
  /** Connected account; `null` for none. */
  readonly account?: string | null;
  readonly livemode?: boolean;
  /** Signing secret; by default a wrong one. */
  readonly secret?: string;
  /** The whole header, `null` for none. */
  readonly header?: string | null;
  /** Seconds to add to the real time of the signature. */
  readonly skew?: number;
  /** Body in place of the signed one. */
  readonly body?: string;
}

function eventToForge(core: Core, { event, type, object, account, livemode }: Forgery) {
  const id = newId("evt");
  const base = event
    ? eventOf(core, event)
    : { id, object: "event", api_version: null, created: createStore(core).now, data: { object }, type };
  const claims = {
    ...(account !== undefined && { account: account ?? undefined }),
    livemode: livemode ?? core.livemode,
  };
  return { pending_webhooks: 1, request: { id: null, idempotency_key: null }, ...base, ...claims };
}

/** Sends a forged event; returns the receiver's status. */
export async function forge(core: Core, delivery: Delivering, forgery: Forgery): Promise<{ status: number }> {
  const { connect = forgery.account != null, secret = "whsec_forged", skew = 0 } = forgery;
  const url = forgery.url ?? delivery.endpoints().find((endpoint) => endpoint.connect === connect)?.url;
  if (!url) throw refused("There is no endpoint to send to.");
  const payload = JSON.stringify(eventToForge(core, forgery), null, 2);
  const signed = signature(payload, [secret], Math.floor(Date.now() / 1000) + skew);
  const header = forgery.header === undefined ? signed : (forgery.header ?? undefined);
  const agent = new Agent();
  try {
    return { status: await post(agent, url, forgery.body ?? payload, header) };
  } finally {
    agent.destroy();
  }
}

export function createActions(core: Core, delivery: Delivering): Actions {
  const own = core.modules.flatMap(({ actions = {} }) => Object.entries(actions));
  return {
    ...Object.fromEntries(own.map(([name, run]) => [name, (input: Input) => run(input, createStore(core))])),
    forge: (input) => forge(core, delivery, input),
    resend: ({ event }) => delivery.resend(eventOf(core, String(event))),
  };
}

/** Typed functions for the actions of most tests; `account` is the connected account of the object. */
export function createShortcuts(actions: Actions) {
  const act = <Result>(name: string, input: Input) => actions[name]?.(input) as Result;
  return {
    openDispute: (charge: string, account?: string, reason?: string) =>
      act<Stripe.Dispute>("open_dispute", { charge, account, reason }),
    closeDispute: (dispute: string, status: "won" | "lost", account?: string) =>
      act<Stripe.Dispute>("close_dispute", { dispute, status, account }),
    deauthorize: (account: string) => void act("deauthorize", { account }),
    completeOnboarding: (account: string) => act<Stripe.Account>("complete_onboarding", { account }),
    restrictAccount: (account: string, reason?: string) =>
      act<Stripe.Account>("restrict_account", { account, ...(reason && { reason }) }),
    failRefund: (refund: string, account?: string) => act<Stripe.Refund>("fail_refund", { refund, account }),
    /** Ends a debit in `processing` with the outcome of its test number. */
    settleDebit: (payment_intent: string, account?: string) =>
      act<Stripe.PaymentIntent>("settle_debit", { payment_intent, account }),
    /** The shopper answers the bank. */
    authenticate: (payment_intent: string, outcome: "complete" | "fail", account?: string) =>
      act<Stripe.PaymentIntent>("authenticate", { payment_intent, outcome, account }),
    resend: (event: string) => void act("resend", { event }),
  };
}

import type Stripe from "stripe";
import { z } from "zod";
import { type Action, type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { flag, listing, merge, metadata, nothing, text } from "../engine/shape.js";
import { move } from "./balance.js";
import { behaviour } from "./payment-method.js";

type Dispute = Stripe.Dispute;

const day = 86_400;
const fields = [
  "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal",
  "customer_communication customer_email_address customer_name customer_purchase_ip customer_signature",
  "duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt",
  "refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation",
  "shipping_address shipping_carrier shipping_date shipping_documentation shipping_tracking_number",
  "uncategorized_file uncategorized_text",
].flatMap((line) => line.split(" "));
const evidence = z.strictObject(Object.fromEntries(fields.map((field) => [field, z.string().optional()])));
const noEvidence = { ...Object.fromEntries(fields.map((field) => [field, null])), enhanced_evidence: {} };

/** Dispute fee in minor units. */
const fee = 2000;

const adjust = (dispute: Dispute, amount: number, description: string, cost: number, store: Store) =>
  move(
    {
      type: "adjustment",
      category: amount < 0 ? "dispute" : "dispute_reversal",
      amount,
      currency: dispute.currency,
      source: dispute.id,
      description,
      fees: cost ? [{ type: "stripe_fee", amount: cost }] : [],
    },
    store,
  );

/** Deadline of the evidence: the end of the seventh day, Unix seconds. */
const dueBy = (now: number) => Math.ceil(now / day) * day + 7 * day - 1;

function newDispute(charge: Stripe.Charge, reason: string, amount: number, store: Store): Dispute {
  const card = charge.payment_method_details?.card;
  const { brand } = card ?? {};
  const codes = { case_type: "chargeback", network: brand ?? "visa", network_reason_code: "10.4" } as const;
  return {
    id: store.id(card ? "du" : "pdp"),
    object: "dispute",
    amount,
    balance_transactions: [],
    charge: charge.id,
    created: store.now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: noEvidence as unknown as Stripe.Dispute.Evidence,
    evidence_details: {
      due_by: dueBy(store.now),
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: "not_submitted",
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: store.livemode,
    metadata: {},
    payment_intent: charge.payment_intent,
    ...(card && { payment_method_details: { card: { brand: brand ?? "visa", ...codes }, type: "card" } }),
    reason,
    status: "needs_response",
  };
}

/** Opens a dispute and withdraws its amount until the decision. @throws Failure */
function openDispute(charge: Stripe.Charge, reason: string, store: Store): Dispute {
  if (charge.disputed) throw refused(`Charge ${charge.id} is disputed already.`);
  if (!charge.captured || charge.status !== "succeeded") throw refused(`Charge ${charge.id} was never paid.`);
  const amount = charge.amount_captured;
  const fresh = newDispute(charge, reason, amount, store);
  store.change(charge, { disputed: true }, "charge.updated");
  const opened = store.put(fresh, "charge.dispute.created");
  store.later((opened.evidence_details.due_by ?? 0) + 1, "dispute.overdue", opened.id);
  const balance_transactions = [adjust(opened, -amount, `Chargeback withdrawal for ${charge.id}`, fee, store)];
  return store.change(opened, { balance_transactions }, "charge.dispute.funds_withdrawn");
}

const settled = (dispute: Dispute) => ["won", "lost", "warning_closed"].includes(dispute.status);

/** @throws Failure for a decided dispute */
function decide(dispute: Dispute, status: "won" | "lost", store: Store): Dispute {
  if (settled(dispute)) throw refused("This dispute is already closed.", { code: "dispute_already_closed" });
  const closed = store.change(dispute, { status }, "charge.dispute.closed");
  if (status === "lost") return closed;
  const back = adjust(dispute, dispute.amount, `Chargeback reversal for ${String(dispute.charge)}`, -fee, store);
  const balance_transactions = [...closed.balance_transactions, back];
  return store.change(closed, { balance_transactions }, "charge.dispute.funds_reinstated");
}

/** Decisions by the test text of the evidence. @see https://docs.stripe.com/testing#evidence */
const verdicts: Record<string, "won" | "lost"> = { winning_evidence: "won", losing_evidence: "lost" };

function update(
  dispute: Dispute,
  params: { evidence?: object | undefined; submit?: boolean | undefined },
  store: Store,
) {
  if (settled(dispute)) throw refused("This dispute is already closed.", { code: "dispute_already_closed" });
  const { evidence_details: details } = dispute;
  const proof = { ...dispute.evidence, ...params.evidence };
  const submitted = params.submit !== false && params.evidence !== undefined;
  const evidence_details = {
    ...details,
    has_evidence: details.has_evidence || params.evidence !== undefined,
    submission_count: details.submission_count + (submitted ? 1 : 0),
  };
  const status = submitted ? "under_review" : dispute.status;
  const next = store.change(dispute, { evidence: proof, evidence_details, status }, "charge.dispute.updated");
  const verdict = submitted && verdicts[proof.uncategorized_text ?? ""];
  return verdict ? decide(next, verdict, store) : next;
}

const inAccount = ({ account }: Record<string, unknown>, platform: Store) =>
  platform.in(typeof account === "string" ? account : undefined);

const actions: Record<string, Action> = {
  open_dispute(input, platform) {
    const store = inAccount(input, platform);
    return openDispute(store.get("charge", String(input.charge)), String(input.reason ?? "fraudulent"), store);
  },
  close_dispute(input, platform) {
    const store = inAccount(input, platform);
    return decide(store.get("dispute", String(input.dispute)), input.status === "won" ? "won" : "lost", store);
  },
  /** Other acts of banks and networks: a withdrawal, an appeal, another deadline (Unix seconds). */
  change_dispute(input, platform) {
    const store = inAccount(input, platform);
    const dispute = store.get("dispute", String(input.dispute));
    const status = (input.status ?? dispute.status) as Dispute["status"];
    const due_by = typeof input.due_by === "number" ? input.due_by : dispute.evidence_details.due_by;
    const changed = { ...dispute, status, evidence_details: { ...dispute.evidence_details, due_by } };
    return store.change(dispute, changed, `charge.dispute.${settled(changed) ? "closed" : "updated"}`);
  },
};

export const disputes: Module = {
  kinds: [{ type: "dispute", prefix: ["du", "dp", "pdp"], index: ["charge", "payment_intent"] }],
  routes: [
    route("GET", "/v1/disputes/:id", nothing, ({ path }, store) => store.get("dispute", path.id)),
    route(
      "GET",
      "/v1/disputes",
      z.strictObject({ ...listing, charge: text.optional(), payment_intent: text.optional() }),
      ({ params: { charge, payment_intent, ...params } }, store) =>
        store.page("dispute", params, { charge, payment_intent }),
    ),
    route(
      "POST",
      "/v1/disputes/:id",
      z.strictObject({ evidence: evidence.optional(), metadata: metadata.optional(), submit: flag.optional() }),
      ({ path, params }, store) => {
        const dispute = store.get("dispute", path.id);
        return update({ ...dispute, metadata: merge(dispute.metadata, params.metadata) }, params, store);
      },
    ),
    route("POST", "/v1/disputes/:id/close", nothing, ({ path }, store) =>
      decide(store.get("dispute", path.id), "lost", store),
    ),
  ],
  timers: {
    "charge.disputed"(store, id) {
      const charge = store.get("charge", id);
      const method = store.find("payment_method", charge.payment_method);
      const reason = method && behaviour(method).dispute;
      if (reason && !charge.disputed) openDispute(charge, reason, store);
    },
    "dispute.overdue"(store, id) {
      const dispute = store.get("dispute", id);
      if (dispute.status !== "needs_response") return;
      const evidence_details = { ...dispute.evidence_details, past_due: true };
      decide(store.change(dispute, { evidence_details }), "lost", store);
    },
  },
  actions,
};

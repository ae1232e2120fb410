import { handle } from "../../core/kernel/job/index.js";
import { handleStripeEvent, stripeEventJob } from "../../core/stripe/event.js";
import type { Alarm } from "./alarm.js";
import type { Module } from "./module.js";

const alarms: Alarm[] = [
  {
    name: "StripeSignature",
    metric: "StripeSignatureFailures",
    statistic: "Sum",
    period: 300,
    threshold: 20,
    description: "Signatures fail: requests are forged, or a signing secret differs from the one at Stripe.",
    action: "Compare the signing secrets of both endpoints with those at Stripe.",
  },
  {
    name: "StripeQuarantine",
    metric: "StripeEventsQuarantined",
    statistic: "Sum",
    threshold: 0,
    description: "Events of Stripe belong to no known tenant.",
    action: "Read platform.stripe_event.",
  },
  {
    name: "StripeMalformed",
    metric: "StripeEventsMalformed",
    statistic: "Sum",
    threshold: 0,
    description: "A signed body is not a known event.",
    action: "Compare the event at Stripe with core/stripe within three days, after which Stripe stops retrying.",
  },
  {
    name: "ProviderFaults",
    metric: "ProviderFaults",
    statistic: "Sum",
    threshold: 0,
    description: "A payment provider refuses a call for a reason that no caller can correct.",
    action: "Read `provider refused` in the log: a key has lost a right, or a call does not fit the provider's API.",
  },
  {
    name: "ProviderUnreachable",
    metric: "ProviderUnreachable",
    statistic: "Sum",
    period: 300,
    threshold: 20,
    description: "A payment provider does not answer requests.",
    action: "Read Stripe's status page; requests are retried by their clients, and jobs by themselves.",
  },
  {
    name: "StripeLag",
    metric: "StripeEventLag",
    statistic: "p95",
    threshold: 120,
    lasting: true,
    description: "Events of Stripe arrive late: Stripe is slow, or earlier deliveries failed.",
    action: "Read Stripe's status page and the failed deliveries of the endpoint.",
  },
];

export const stripe: Module = {
  name: "stripe",
  jobs: [handle(stripeEventJob, (event) => handleStripeEvent(event))],
  alarms,
};

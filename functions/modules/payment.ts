import { defineScope } from "../../core/kernel/access.js";
import { handle } from "../../core/kernel/job/index.js";
import { paymentEvents } from "../../core/payment/event.js";
import { close, closePaymentJob, expire } from "../../core/payment/expiry.js";
import { providers } from "../../core/payment/index.js";
import { operatePaymentJob, run } from "../../core/payment/operation.js";
import { paymentEventTable, paymentOperationTable, paymentTable } from "../../core/payment/payment.sql.js";
import { paymentHandlers } from "../../core/payment/stripe/webhook.js";
import type { Module } from "./module.js";

export const readPayments = defineScope("payments:read", "MEMBER");
export const writePayments = defineScope("payments:write", "ADMIN");

export const payment: Module = {
  name: "payment",
  scopes: [readPayments, writePayments],
  tables: [paymentTable, paymentEventTable, paymentOperationTable],
  events: paymentEvents,
  jobs: [handle(operatePaymentJob, ({ operationId }) => run(operationId)), handle(closePaymentJob, close)],
  sweeps: [{ name: "payment.expire", run: expire }],
  providers,
  stripe: paymentHandlers,
};

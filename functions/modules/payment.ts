import { defineScope } from "../../core/kernel/access.js";
import { handle } from "../../core/kernel/job/index.js";
import { closePaymentJob, operatePaymentJob, Payment } from "../../core/payment/index.js";
import { paymentEventTable, paymentOperationTable, paymentTable } from "../../core/payment/payment.sql.js";
import type { Module } from "./module.js";

export const readPayments = defineScope("payments:read", "MEMBER");
export const writePayments = defineScope("payments:write", "ADMIN");

export const payment: Module = {
  name: "payment",
  scopes: [readPayments, writePayments],
  tables: [paymentTable, paymentEventTable, paymentOperationTable],
  events: Payment.paymentEvents,
  jobs: [
    handle(operatePaymentJob, ({ operationId }) => Payment.performOperation(operationId)),
    handle(closePaymentJob, Payment.closeAttempt),
  ],
  sweeps: [{ name: "payment.expire", run: Payment.enqueueExpired, slice: Payment.EXPIRY_SLICE }],
  ledgerKinds: Payment.paymentLedgerKinds,
  ledgerAccounts: Payment.paymentLedgerAccounts,
  providers: Payment.providers,
  stripe: Payment.paymentHandlers,
};

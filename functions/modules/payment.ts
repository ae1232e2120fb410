import { paymentEvents } from "../../core/payment/event.js";
import { close, expire } from "../../core/payment/expiry.js";
import { operate } from "../../core/payment/operation.js";
import { paymentEventTable, paymentOperationTable, paymentTable } from "../../core/payment/payment.sql.js";
import { paymentHandlers } from "../../core/payment/stripe/webhook.js";
import type { Module } from "./module.js";

export const payment: Module = {
  name: "payment",
  tables: [paymentTable, paymentEventTable, paymentOperationTable],
  events: paymentEvents,
  jobs: [operate, close],
  sweeps: [{ name: "payment.expire", run: expire }],
  stripe: paymentHandlers,
};

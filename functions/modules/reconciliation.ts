import { Dispute } from "../../core/dispute/index.js";
import { handle } from "../../core/kernel/job/index.js";
import {
  enqueueDue,
  reconcileAccount,
  reconcileAccountJob,
  syncDisputeJob,
  syncPayment,
  syncPaymentJob,
} from "../../core/reconciliation/index.js";
import type { Module } from "./module.js";

export const reconciliation: Module = {
  name: "reconciliation",
  jobs: [
    handle(reconcileAccountJob, reconcileAccount),
    handle(syncPaymentJob, syncPayment),
    handle(syncDisputeJob, Dispute.sync),
  ],
  sweeps: [{ name: "payment.reconcile-due", run: enqueueDue }],
};

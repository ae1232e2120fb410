import { reconcileDue, reconcileJobs } from "../../core/reconciliation/index.js";
import type { Module } from "./module.js";

export const reconciliation: Module = {
  name: "reconciliation",
  jobs: reconcileJobs,
  sweeps: [{ name: "payment.reconcile-due", run: reconcileDue }],
};

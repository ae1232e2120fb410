import { deleteOldAnswers, SLICE } from "../../core/kernel/due.js";
import { idempotencyTable } from "../../core/kernel/idempotency.sql.js";
import type { Module } from "./module.js";

export const idempotency: Module = {
  name: "idempotency",
  tables: [idempotencyTable],
  sweeps: [{ name: "idempotency.forget", run: deleteOldAnswers, slice: SLICE }],
};

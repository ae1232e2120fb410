import { rateBucketTable } from "../../core/rate/rate.sql.js";
import type { Module } from "./module.js";

export const rate: Module = {
  name: "rate",
  tables: [rateBucketTable],
};

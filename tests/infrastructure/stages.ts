import { inject } from "vitest";
import { read } from "./resources.js";

const { production: one, preview: other } = inject("syntheses");

export const production = { ...one, ...read(one) };
export const preview = { ...other, ...read(other) };
/** For `describe.each`. */
export const stages = [production, preview];

import type { Provider } from "./provider.js";

/**
 * Cash, invoice, bank transfer: the order stands, and the staff says when the money came. It calls nobody and knows
 * nothing of its own: the row is the truth.
 */
export const manual: Provider = {
  name: "manual",
  open: async () => ({ reference: null, session: null, action: null, expiresIn: 0 }),
  snapshot: async () => undefined,
  operate: async () => ({ status: "succeeded", reference: null }),
  close: async () => undefined,
};

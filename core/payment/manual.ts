import type { Provider } from "./provider.js";

/** Cash, invoice, bank transfer: the order waits, and the staff says when the money came. Calls nobody. */
export const manual: Provider = {
  open: async () => null,
  capture: async () => ({}),
};

export { modeOf, stripeFor, withDeadline, withRetry } from "./client.js";
export type { StripeHandler } from "./event.js";
export { isStripeError, refusalOf } from "./fault.js";

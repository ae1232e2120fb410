export {
  amountRefusal,
  amountTooSmall,
  currencyCode,
  fromStripe,
  minimumChargeOf,
  roundDown,
  toStripe,
} from "./amount.js";
export {
  type CreateOrFindResult,
  connectedAccount,
  createOrFind,
  idOf,
  instantOf,
  isKeyExpired,
  listAll,
  type MerchantAccount,
  type StripeAccount,
  secondsOf,
  withIdempotencyKey,
} from "./call.js";
export { isOtherMode, modeOf, publishableKeyFor, stripeFor, withDeadline, withRetry } from "./client.js";
export type { StripeHandler } from "./event.js";
export { StripeEvent } from "./event.js";
export { faultSideOf, isGone, type Refusal, refusalOf } from "./fault.js";
export { type RequestFields, requestFailureOf, requestIdempotencyKey, withinRequest } from "./request.js";
export { syncFromProvider } from "./sync.js";

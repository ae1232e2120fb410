export * as Payment from "./index.js";

import { manual } from "./provider.js";
import { stripe } from "./stripe/index.js";

export { accept } from "./acceptance.js";
export {
  dueMinutesOf,
  endOf,
  holdMinutesOf,
  MAX_ATTEMPTS,
  ORDER_MINUTES,
  openAttempt,
  PaymentStep,
  prepareAttempt,
  RESERVATION_MINUTES,
} from "./attempt.js";
export { PaymentRefunded, PaymentRefundFailed, paymentEvents } from "./event.js";
export { closeAttempt, EXPIRY_SLICE, enqueueExpired } from "./expiry.js";
export { paymentLedgerAccounts, paymentLedgerKinds } from "./ledger.js";
export { closePaymentJob, operatePaymentJob } from "./operation.js";
export { getOrder, OrderDetail } from "./order.js";
export { cancelOrder, cancelPendingOrder } from "./order-cancellation.js";
export {
  Capture,
  capture,
  captureAtCheckout,
  isCapturedAtCheckout,
  Refund,
  refund,
  voidAuthorization,
} from "./order-operation.js";
export { chooseMethod, offeredMethods } from "./payment-method.js";
export { PaymentMethodInput, type Provider, paymentProviders, RetryMethodInput } from "./provider.js";
export { performOperation, syncPayment as sync } from "./provider-call.js";
export { beginAttempt, openInPlaceOf } from "./retry.js";
export {
  getSetting,
  listOffered,
  loadOffered,
  MethodQuery,
  PaymentSettingRecord,
  replaceSetting,
  SettingChange,
  StoreMethods,
} from "./setting.js";
export { disputesSince, intentsSince, type Listed, refundsSince } from "./stripe/list.js";
export { paymentHandlers } from "./stripe/webhook.js";

/** The providers that the core brings. */
export const providers = [manual, stripe];

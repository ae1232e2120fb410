import { PaymentAccount, paymentAccountEvents, paymentAccountHandlers } from "../../core/payment-account/index.js";
import { paymentAccountTable } from "../../core/payment-account/payment-account.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readPayments, writePayments } from "./payment.js";

const path = "/v1/admin/payments/account";

const routes = [
  endpoint(
    "get",
    path,
    {
      allow: readPayments,
      returns: [200, PaymentAccount.PaymentAccountRecord],
      summary: "Get the payment account",
    },
    () => PaymentAccount.get(),
  ),
  endpoint(
    "post",
    path,
    {
      cost: 10,
      allow: writePayments,
      returns: [200, PaymentAccount.PaymentAccountRecord],
      summary: "Connect a Stripe account",
      description:
        "Creates the merchant's connected account at Stripe. If the tenant has one already, returns its current state.",
    },
    () => PaymentAccount.connect(),
  ),
  endpoint(
    "post",
    `${path}/onboarding`,
    {
      cost: 10,
      allow: writePayments,
      body: PaymentAccount.Onboarding,
      returns: [201, PaymentAccount.OnboardingLink],
      summary: "Create a link to Stripe's onboarding page",
    },
    ({ body }) => PaymentAccount.onboard(body),
  ),
  endpoint(
    "patch",
    path,
    {
      allow: writePayments,
      body: PaymentAccount.Change,
      returns: [200, PaymentAccount.PaymentAccountRecord],
      ifMatch: "optional",
      summary: "Update the capture mode",
      description: "Applies to orders that are paid from now on.",
    },
    ({ body, version }) => PaymentAccount.update({ ...body, version }),
  ),
  endpoint(
    "delete",
    path,
    {
      allow: writePayments,
      returns: [204],
      ifMatch: "optional",
      summary: "Disconnect the payment account",
      description:
        "New payments are refused; existing payments can still be refunded and disputed. Connecting again restores the same account.",
    },
    async ({ version }) => void (await PaymentAccount.disconnect({ version })),
  ),
];

export const paymentAccount: Module = {
  name: "payment-account",
  tables: [paymentAccountTable],
  routes,
  events: paymentAccountEvents,
  stripe: paymentAccountHandlers,
};

import { PaymentAccount, paymentAccountEvents, paymentAccountHandlers } from "../../core/payment-account/index.js";
import { paymentAccountTable } from "../../core/payment-account/payment-account.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const path = "/v1/admin/payments/account";

const routes = [
  endpoint(
    "get",
    path,
    {
      allow: "payments:read",
      returns: [200, PaymentAccount.PaymentAccountRecord],
      summary: "Get the account that is paid",
    },
    () => PaymentAccount.get(),
  ),
  endpoint(
    "post",
    path,
    {
      allow: "payments:write",
      returns: [200, PaymentAccount.PaymentAccountRecord],
      ifMatch: "none",
      summary: "Connect an account at Stripe",
      description: "Makes the merchant's own account. Where there is one, reads how it stands now.",
    },
    () => PaymentAccount.connect(),
  ),
  endpoint(
    "post",
    `${path}/onboarding`,
    {
      allow: "payments:write",
      body: PaymentAccount.Onboarding,
      returns: [201, PaymentAccount.OnboardingLink],
      ifMatch: "none",
      secret: true,
      summary: "Open Stripe's page where the merchant says who they are",
    },
    ({ body }) => PaymentAccount.onboard(body),
  ),
  endpoint(
    "patch",
    path,
    {
      allow: "payments:write",
      body: PaymentAccount.Change,
      returns: [200, PaymentAccount.PaymentAccountRecord],
      summary: "Change when money is taken",
    },
    ({ body, version }) => PaymentAccount.update({ ...body, version }),
  ),
  endpoint(
    "delete",
    path,
    {
      allow: "payments:write",
      returns: [204],
      summary: "Disconnect the account",
      description:
        "Nothing is charged on it any more; refunds and disputes of what was paid go on. Connecting again finds it.",
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

import { Payment } from "../../core/payment/index.js";
import { paymentSettingTable } from "../../core/payment/payment-method.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readPayments, writePayments } from "./payment.js";

const path = "/v1/admin/payment-methods";

const routes = [
  endpoint(
    "get",
    path,
    { allow: readPayments, returns: [200, Payment.PaymentSettingRecord], summary: "Get the payment methods" },
    () => Payment.getSetting(),
  ),
  endpoint(
    "put",
    path,
    {
      allow: writePayments,
      body: Payment.SettingChange,
      returns: [200, Payment.PaymentSettingRecord],
      ifMatch: "optional",
      summary: "Replace the payment methods",
      description:
        "Without methods of its own (`null`) a shop is paid by card when it has a payment account, and by hand, with the staff's acceptance, when it has none.",
    },
    ({ body, version }) => Payment.replaceSetting({ ...body, version }),
  ),
  endpoint(
    "get",
    "/v1/store/payment-methods",
    {
      allow: "shopper",
      query: Payment.MethodQuery,
      returns: [200, Payment.StoreMethods],
      summary: "List the payment methods of a channel",
    },
    ({ query }) => Payment.listOffered(query),
  ),
];

export const paymentMethod: Module = {
  name: "payment-method",
  tables: [paymentSettingTable],
  routes,
};

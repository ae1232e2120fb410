import type { Endpoint } from "./endpoint.js";

type Named = Pick<Endpoint, "method" | "path">;

/** Operations whose path gives no name that a person would choose. */
const names: Readonly<Record<string, string>> = {
  "POST /v1/auth/signup": "signUp",
  "POST /v1/auth/login": "logIn",
  "POST /v1/auth/logout": "logOut",
  "POST /v1/auth/refresh": "refreshSession",
  "GET /v1/auth/me": "getCurrentMember",
  "POST /v1/auth/password": "changePassword",
  "GET /v1/auth/sessions": "listSessions",
  "DELETE /v1/auth/sessions": "endOtherSessions",
  "DELETE /v1/auth/sessions/{id}": "endSession",
  "PUT /v1/admin/tax-rates": "replaceTaxRates",
  "POST /v1/admin/products/{id}/variants": "addVariant",
  "GET /v1/admin/variants/{id}/prices": "getVariantPrices",
  "PUT /v1/admin/variants/{id}/prices": "replaceVariantPrices",
  "GET /v1/admin/inventory": "listStockLevels",
  "GET /v1/admin/inventory/movements": "listStockMovements",
  "POST /v1/admin/inventory/adjustments": "adjustStock",
  "POST /v1/store/carts/{id}/lines": "addCartLine",
  "DELETE /v1/store/carts/{id}/lines/{lineId}": "removeCartLine",
  "POST /v1/store/carts/{id}/hold": "holdCart",
  "DELETE /v1/store/carts/{id}/hold": "releaseCart",
  "POST /v1/store/orders/{id}/payments": "retryPayment",
  "POST /v1/admin/orders/{id}/refunds": "refundOrder",
  "POST /v1/admin/orders/{id}/notes": "addOrderNote",
  "GET /v1/admin/payments/account": "getPaymentAccount",
  "POST /v1/admin/payments/account": "connectPaymentAccount",
  "PATCH /v1/admin/payments/account": "updatePaymentAccount",
  "DELETE /v1/admin/payments/account": "disconnectPaymentAccount",
  "POST /v1/admin/payments/account/onboarding": "createOnboardingLink",
  "DELETE /v1/admin/members/{id}": "removeMember",
  "DELETE /v1/admin/api-keys/{id}": "revokeApiKey",
  "GET /v1/admin/ledger/accounts": "getTrialBalance",
  "GET /v1/admin/ledger/transactions": "listLedgerTransactions",
  "GET /v1/admin/reports/sales": "reportSales",
  "GET /v1/billing/subscription": "getSubscription",
  "POST /v1/billing/checkout": "createBillingCheckout",
  "POST /v1/billing/portal": "createBillingPortal",
  "POST /v1/billing/preview": "previewPlanChange",
  "POST /v1/billing/change": "changePlan",
  "POST /v1/billing/cancel": "cancelSubscription",
  "POST /v1/billing/resume": "resumeSubscription",
  "GET /v1/billing/usage": "getUsage",
};

export const pascal = (words: string) => words.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** `tax-classes` → `tax-class`. */
export const singular = (words: string) =>
  words
    .replace(/ies$/, "y")
    .replace(/(ss|x|ch)es$/, "$1")
    .replace(/([^s])s$/, "$1");

const isPlural = (words: string) => singular(words) !== words;
const verbs = { post: "create", patch: "update", put: "replace", delete: "delete" } as const;

/**
 * The name of an operation, as a person would call a method: `createProduct`, `listStoreProducts`, `completeCart`. A
 * path ends with a collection, a thing of it, or what is done to the thing.
 */
export function operationName({ method, path }: Named): string {
  const named = names[`${method.toUpperCase()} ${path}`];
  if (named) return named;
  const [area, ...rest] = path.split("/").slice(2);
  const nouns = rest.filter((word) => !word.startsWith("{"));
  const last = nouns.at(-1) ?? area ?? "";
  const owner = nouns.slice(0, -1).map(singular).map(pascal).join("");
  const isThing = rest.at(-1)?.startsWith("{") ?? false;
  // Shoppers see products and orders otherwise than the staff; only they have carts.
  const audience = area === "store" && nouns[0] !== "carts" ? "Store" : "";
  const whole = audience + owner;
  if (method === "get" && !isThing)
    return isPlural(last) ? `list${whole}${pascal(last)}` : `get${whole}${pascal(singular(last))}`;
  if (method === "get") return `get${whole}${pascal(singular(last))}`;
  // `/carts/{id}/complete`: the last word is what is done.
  if (method === "post" && !isPlural(last) && nouns.length > 1)
    return last.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()) + whole;
  return `${verbs[method]}${whole}${pascal(isThing || method === "post" ? singular(last) : last)}`;
}

import { type Body, Caller, password, unique } from "../support/client.js";
import { idOf } from "./example.js";
import type { World } from "./world.js";

const euro = (amount: number) => ({ amount, currency: "EUR" });
const price = { currency: "EUR", amount: 1_250, taxInclusive: true };
const address = {
  name: "Ada Lovelace",
  line1: "Lange Straße 1",
  postalCode: "10115",
  city: "Berlin",
  country: "DE",
};
const atShop = (path: string) => `https://corner-shop.example/${path}`;

/** What a newcomer would send, by operation; its ids are those of `idOf`. The others get what their schema asks for. */
export const requests: Record<string, Body> = {
  updateTenant: { name: "Corner Shop", country: "DE" },
  signUp: {
    tenant: { name: "Corner Shop", slug: "corner-shop", currency: "EUR", country: "DE" },
    email: "olga@corner-shop.example",
    password,
    name: "Olga Owner",
  },
  replaceTaxRates: { rates: [{ taxClassId: idOf("txc"), country: "DE", name: "MwSt. 19 %", rate: 1_900 }] },
  createShippingOption: {
    regionId: idOf("rgn"),
    taxClassId: idOf("txc"),
    name: "Parcel, 2 to 3 days",
    price: euro(490),
    taxInclusive: true,
  },
  createProduct: {
    name: "Enamel mug",
    description: "Holds 300 ml and survives every fall.",
    status: "active",
    options: [{ name: "Size", values: ["S", "M"] }],
    variants: [
      { sku: "ENAMEL-S", options: { Size: "S" }, prices: [price] },
      { sku: "ENAMEL-M", options: { Size: "M" }, prices: [{ ...price, amount: 1_450, compareAt: 1_650 }] },
    ],
  },
  updateProduct: { name: "Enamel mug, blue", status: "active" },
  addVariant: { sku: "ENAMEL-L", name: "Large", prices: [{ ...price, amount: 1_650 }] },
  updateVariant: { name: "Medium", position: 1 },
  replaceVariantPrices: { prices: [price, { currency: "USD", amount: 1_350, taxInclusive: false }] },
  adjustStock: {
    adjustments: [{ variantId: idOf("var"), delta: 20 }],
    reason: "received",
    reference: "Delivery note 4711",
  },
  createCart: { email: "ada@example.com", lines: [{ variantId: idOf("var"), quantity: 2 }] },
  updateCart: { email: "ada@example.com", shippingAddress: address, shippingOptionId: idOf("shp") },
  addCartLine: { variantId: idOf("var"), quantity: 2 },
  updateCartLine: { quantity: 3 },
  completeCart: {
    payment: { provider: "stripe", method: "checkout_session", returnUrl: atShop("thanks?order={ORDER_ID}") },
  },
  retryPayment: { provider: "stripe", method: "checkout_session", returnUrl: atShop("thanks?order={ORDER_ID}") },
  captureOrder: {},
  refundOrder: { amount: 500, reason: "The handle was scratched" },
  cancelOrder: { reason: "out_of_stock", restock: true, note: "The last mug fell" },
  reviewOrder: { text: "The money was wired to the shopper" },
  addOrderNote: { text: "Wants a gift wrap" },
  updatePaymentAccount: { capture: "automatic" },
  createOnboardingLink: { returnUrl: atShop("settings/payments"), refreshUrl: atShop("settings/payments/again") },
  replacePaymentMethods: {
    methods: [{ provider: "stripe" }, { provider: "manual", acceptance: "staff", holdHours: 72 }],
  },
  logIn: { tenant: "corner-shop", email: "olga@corner-shop.example", password },
  refreshSession: { refreshToken: "REFRESH_TOKEN_EXAMPLE" },
  changePassword: { currentPassword: password, password: "a longer way to say the same" },
  createMember: { email: "max@corner-shop.example", name: "Max Member", role: "MEMBER", password },
  updateMember: { name: "Max Manager", role: "ADMIN", revokeKeys: false },
  createApiKey: { kind: "secret", name: "Warehouse", scopes: ["inventory:read", "inventory:write"] },
  updateApiKey: { name: "Warehouse in Berlin" },
  rollApiKey: { overlap: 3_600 },
  createBillingCheckout: {
    plan: "growth",
    interval: "month",
    successUrl: atShop("settings/plan"),
    cancelUrl: atShop("settings/plans"),
  },
  createBillingPortal: { returnUrl: atShop("settings/plan") },
  previewPlanChange: { plan: "scale", interval: "year" },
  changePlan: { plan: "scale", interval: "year" },
  resolveIncident: { resolution: "The amount was corrected at Stripe" },
};

/** Fields that only one caller can send, as the caller at hand sends them. */
export const own: Record<string, (world: World) => Body | Promise<Body>> = {
  signUp: () => ({ tenant: { ...requests.signUp.tenant, slug: unique() } }),
  logIn: ({ tenant }) => ({ tenant: tenant.slug, email: tenant.ownerEmail }),
  refreshSession: async ({ tenant }) => {
    const login = { tenant: tenant.slug, email: tenant.ownerEmail, password };
    const { refreshToken } = await new Caller(tenant.url, undefined).post("/v1/auth/login", login);
    return { refreshToken };
  },
};

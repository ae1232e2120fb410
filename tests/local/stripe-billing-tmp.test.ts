import Stripe from "stripe";
import { test } from "vitest";
import { billing, card } from "./stripe-billing.js";
const { own, subscribe, days, customer, post } = billing();
const mock = new Stripe("sk_test_123", { host: "localhost", port: 12911, protocol: "http" });
function diff(name: string, a: any, b: any, path = "") {
  if (!a || !b || typeof a !== "object" || typeof b !== "object") return;
  if (Array.isArray(a) && Array.isArray(b)) { if (a[0] && b[0]) diff(name, a[0], b[0], path + "[]"); return; }
  if (path.endsWith("metadata")) return;
  const drop = new Set(["lastResponse"]);
  const ka = Object.keys(a), kb = Object.keys(b);
  const missing = kb.filter((k) => !ka.includes(k) && !drop.has(k)), extra = ka.filter((k) => !kb.includes(k));
  if (missing.length || extra.length) console.log(name, path, "missing", missing, "extra", extra);
  for (const k of ka) if (k in b) diff(name, a[k], b[k], `${path}.${k}`);
}
test("x", async () => {
  const s = await subscribe(own.pro, { expand: ["latest_invoice.payments", "latest_invoice.confirmation_secret"] });
  const both = async (name: string, call: (s: Stripe) => Promise<any>) => diff(name, await call(own.stripe), await call(mock));
  await both("customer", (x) => x.customers.retrieve(s.customer as string));
  await both("product", (x) => x.products.retrieve("pro"));
  await both("price", (x) => x.prices.retrieve(own.pro.id));
  await both("subscription", (x) => x.subscriptions.retrieve(s.id));
  await both("subs", (x) => x.subscriptions.list({ customer: s.customer as string, status: "all" }));
  const i = (s.latest_invoice as Stripe.Invoice).id;
  await both("invoice", (x) => x.invoices.retrieve(i, { expand: ["payments"] }));
  await both("preview", (x) => x.invoices.createPreview({ subscription: s.id, subscription_details: { items: [{ id: s.items.data[0]?.id as string, price: own.max.id }], proration_behavior: "always_invoice" } }));
  await both("update", (x) => x.subscriptions.update(s.id, { items: [{ id: s.items.data[0]?.id as string, price: own.max.id }], proration_behavior: "create_prorations" }));
  const [ii] = (await own.stripe.invoiceItems.list({ customer: s.customer as string })).data;
  await both("ii", (x) => x.invoiceItems.retrieve(ii?.id as string));
  await both("lines", (x) => x.invoices.listLineItems(i));
  await both("inpay", (x) => x.invoicePayments.list({ invoice: i }));
  const conf = await own.stripe.billingPortal.configurations.create({ features: { invoice_history: { enabled: true }, payment_method_update: { enabled: true }, subscription_cancel: { enabled: true }, subscription_update: { enabled: true, default_allowed_updates: ["price"], products: [{ product: "max", prices: [own.max.id] }] } } });
  await both("conf", (x) => x.billingPortal.configurations.retrieve(conf.id));
  await both("bps", (x) => x.billingPortal.sessions.create({ customer: s.customer as string, configuration: conf.id, return_url: "http://x.test", flow_data: { type: "subscription_cancel", subscription_cancel: { subscription: s.id } } }));
  const c = await customer();
  await both("cs", (x) => x.checkout.sessions.create({ mode: "subscription", customer: c.id, line_items: [{ price: own.pro.id, quantity: 1 }], success_url: "http://x.test/", subscription_data: { trial_period_days: 14, metadata: { a: "b" } } }));
  await both("cancel", (x) => x.subscriptions.cancel(s.id));
  await both("del", (x) => x.customers.del(s.customer as string));
});

import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { address, type Body, Cart, newProduct } from "../support/client.js";
import { outcome } from "../support/outcome.js";
import { paymentSuite } from "../support/payment-suite.js";
import { byCard } from "../support/stripe.js";

const till = paymentSuite();
const byHand = { payment: { provider: "manual" } };
let free: string;

beforeAll(async () => {
  const [option] = (await till.tenant.get("/v1/admin/shipping-options")).data;
  const { regionId, taxClassId } = option;
  const letter = { regionId, taxClassId, name: "Letter", price: { amount: 0, currency: "EUR" } };
  free = (await till.tenant.post("/v1/admin/shipping-options", letter)).id;
});

/** All that decides whether a cart can be completed; each value of each member occurs among the samples. */
const situation = fc.record({
  stock: fc.constantFrom(0, 1, 2, 9),
  quantity: fc.constantFrom(1, 2),
  amount: fc.constantFrom(0, 1, 24, 25, 49, 50, 5_000),
  status: fc.constantFrom("active", "active", "active", "archived"),
  isCharging: fc.constantFrom(true, true, false),
  isFull: fc.constantFrom(false, false, false, true),
  lacks: fc.constantFrom("nothing", "nothing", "nothing", "email", "address", "delivery"),
  holds: fc.boolean(),
  means: fc.constantFrom(byHand, byCard),
});
type Situation = typeof situation extends fc.Arbitrary<infer One> ? One : never;

interface Goods {
  stock: number;
  quantity: number;
  amount: number;
  lacks?: string;
  holds?: boolean;
}

async function cartIn({ stock, quantity, amount, lacks = "nothing", holds = false }: Goods) {
  const made = await newProduct(till.tenant, { stock, amount });
  const cart = await Cart.open(till.tenant.shop, { lines: [{ variantId: made.variantId, quantity }] });
  if (holds && stock >= quantity) cart.state = await cart.shop.post(`${cart.path}/hold`, undefined, cart.ifMatch);
  await cart.change({
    ...(lacks !== "email" && { email: "ada@example.com" }),
    ...(lacks !== "address" && { shippingAddress: address }),
    ...(lacks !== "delivery" && { shippingOptionId: free }),
  });
  return { ...made, cart };
}

const shop = ({ isCharging, isFull }: Pick<Situation, "isCharging" | "isFull">) =>
  Promise.all([
    till.query("update payment_account set charges_enabled = $2 where tenant_id = $1", isCharging),
    till.query(
      `insert into usage (tenant_id, metric, period, value)
       values ($1, 'ordersPerMonth', to_char(now() at time zone 'utc', 'YYYY-MM'), $2)
       on conflict (tenant_id, metric, period) do update set value = excluded.value`,
      isFull ? 5_000 : 0,
    ),
  ]);
const orders = async () => (await till.tenant.get("/v1/admin/orders?limit=100")).data.length;

/** The codes with which `complete` refuses what a cart says. */
const codes = ({ requirements, paymentRefusals }: Body, { means }: Situation): string[] => {
  const refusal = paymentRefusals.find(({ provider }: Body) => provider === means.payment.provider);
  const later = { stock_insufficient: "409 stock.insufficient", orders_closed: "403 checkout.closed" };
  return [
    ...requirements.map((one: keyof typeof later) => later[one] ?? "409 cart.incomplete"),
    ...(refusal ? [`409 ${refusal.code}`] : []),
  ];
};

test("a cart names what complete refuses, and complete refuses nothing else; a refusal leaves the cart open", async () => {
  const seen = new Set<string>();
  for (const one of fc.sample(situation, { numRuns: 36, seed: 20 })) {
    const { cart, variantId, productId } = await cartIn(one);
    if (one.status === "archived") await till.tenant.patch(`/v1/admin/products/${productId}`, { status: "archived" });
    await shop(one);
    const read = await cart.shop.get(cart.path);
    const before = await orders();
    const answer = await cart.complete(undefined, { ...one.means, expectedTotal: read.totals.total });
    const told = codes(read, one);
    const said = outcome(answer);
    expect([one, said, told]).toEqual([one, told.length > 0 ? expect.toBeOneOf(told) : "200", told]);
    for (const code of told.length > 0 ? [said] : ["200"]) seen.add(code);
    const { data } = await till.tenant.get(`/v1/admin/inventory?variantId=${variantId}`);
    if (told.length > 0) {
      expect(await orders()).toBe(before);
      expect((await cart.shop.get(cart.path)).status).toBe("open");
      const held = one.holds && one.stock >= one.quantity && data[0].reserved > 0;
      expect(data[0] ?? { onHand: 0, reserved: 0 }).toMatchObject({
        onHand: one.stock,
        reserved: held ? one.quantity : 0,
      });
    } else if (answer.body.order.status === "pending") {
      await cart.shop.post(`/v1/store/orders/${answer.body.order.id}/cancel`);
    }
    await shop({ isCharging: true, isFull: false });
  }
  expect([...seen].sort()).toEqual([
    "200",
    "403 checkout.closed",
    "409 cart.incomplete",
    "409 payment.amount_too_small",
    "409 payment.provider_unavailable",
    "409 stock.insufficient",
  ]);
});

test("a cart with too few units for sale says how many there are", async () => {
  const { cart } = await cartIn({ stock: 3, quantity: 1, amount: 1_000 });
  await cart.add(cart.state.lines[0].variantId, 4);
  expect(cart.state.requirements).toEqual(["stock_insufficient"]);
  expect(cart.state.lines[0]).toMatchObject({ available: false, shortage: { requested: 5, available: 3 } });
  expect(cart.state.totals.total.amount).toBe(5_000);
});

test("a total that is too small for a card says the least one, and an amount by hand has no least one", async () => {
  const { cart } = await cartIn({ stock: 3, quantity: 1, amount: 30 });
  const refusal = { provider: "stripe", code: "payment.amount_too_small", least: { amount: 50, currency: "EUR" } };
  expect(cart.state).toMatchObject({ requirements: [], paymentRefusals: [refusal] });
  const refused = await cart.complete(undefined, byCard);
  expect([outcome(refused), refused.body.least]).toEqual(["409 payment.amount_too_small", refusal.least]);
  await cart.add(cart.state.lines[0].variantId, 1);
  expect(cart.state.paymentRefusals).toEqual([]);
  expect((await cart.complete(undefined, byHand)).status).toBe(200);
});

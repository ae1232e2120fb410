import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cart, type CartRow, paymentGates } from "../../core/cart/index.js";

const cart = {
  email: "ada@example.com",
  currency: "EUR",
  shippingAddress: { name: "Ada", line1: "1 Road", city: "Berlin", postalCode: "10115", country: "DE" },
} as CartRow;
paymentGates.fill([{ name: "manual" }]);
type Rows = Parameters<typeof Cart.calculateCart>[1];

const variantOf = (id: string, amount: number | null, more: object = {}) => ({
  id,
  sku: id,
  name: id,
  options: {},
  product: { id: `p${id}`, name: id, status: "active" as const, taxClassId: null, ...more },
  price: amount === null ? null : { amount, taxInclusive: true },
  available: 1_000,
});
const rowsOf = (more: Partial<Rows> = {}): Rows => ({
  lines: [{ id: "l1", variantId: "v1", quantity: 2 }],
  variants: [variantOf("v1", 1_190)],
  countries: ["DE"],
  shippingOption: {
    id: "s1",
    name: "Standard",
    amount: 595,
    currency: "EUR",
    taxInclusive: true,
    taxClassId: "standard",
  },
  rates: [
    { taxClassId: "standard", isDefault: true, rate: 1_900 },
    { taxClassId: "reduced", isDefault: false, rate: 700 },
    { taxClassId: "exempt", isDefault: false, rate: null },
  ],
  reservedUntil: null,
  accountStatus: null,
  paymentSetting: null,
  account: null,
  hasRoom: true,
  ...more,
});
const calculated = (more: Partial<Rows> = {}, header: Partial<CartRow> = {}) =>
  Cart.calculateCart({ ...cart, ...header } as CartRow, rowsOf(more));

describe("a cart's amounts", () => {
  test("lines and shipping with the tax inside", () => {
    expect(calculated().totals).toEqual({ subtotal: 2_380, shipping: 595, tax: 380 + 95, total: 2_975 });
  });

  test.each([
    [null, 1_900],
    ["reduced", 700],
    ["exempt", 0],
    ["unknown", 0],
  ])("the rate of the tax class %s is %i basis points", (taxClassId, rate) => {
    const { lines } = calculated({ variants: [variantOf("v1", 1_000, { taxClassId })] });
    expect(lines[0]?.taxRate).toBe(rate);
  });

  test("a line that is not for sale adds nothing", () => {
    for (const variant of [variantOf("v1", null), variantOf("v1", 1_000, { status: "draft" })]) {
      const { totals, requirements } = calculated({ variants: [variant] });
      expect(totals).toMatchObject({ subtotal: 0, total: 595 });
      expect(requirements).toEqual(["variant_unavailable"]);
    }
  });

  test("totals are the sums of their parts, and tax is never more than the total", () => {
    const price = fc.record({ amount: fc.nat(10_000_000), taxInclusive: fc.boolean() });
    const item = fc.record({
      price,
      quantity: fc.integer({ min: 1, max: 100 }),
      taxClassId: fc.constantFrom(null, "reduced", "exempt"),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 20 }), fc.nat(9_999), (items, rate) => {
        const { lines, totals, shipping } = calculated({
          lines: items.map(({ quantity }, n) => ({ id: `l${n}`, variantId: `v${n}`, quantity })),
          variants: items.map((one, n) => ({
            ...variantOf(`v${n}`, 0, { taxClassId: one.taxClassId }),
            price: one.price,
          })),
          rates: [{ taxClassId: "standard", isDefault: true, rate }],
        });
        const sum = (pick: (line: (typeof lines)[number]) => number) =>
          lines.reduce((all, line) => all + pick(line), 0);
        expect(totals.total).toBe(sum(({ total }) => total) + (shipping?.total ?? 0));
        expect(totals.tax).toBe(sum(({ tax }) => tax) + (shipping?.tax ?? 0));
        expect(totals.subtotal).toBe(sum(({ unitPrice, quantity }) => unitPrice * quantity));
        expect(totals.tax).toBeLessThanOrEqual(totals.total);
        expect(lines.every(({ total, tax }) => Number.isSafeInteger(total) && tax >= 0)).toBe(true);
      }),
    );
  });
});

describe("a cart cannot be completed", () => {
  test.each([
    ["lines_missing", { lines: [] }, {}],
    ["variant_unavailable", { variants: [variantOf("v1", null)] }, {}],
    ["email_missing", {}, { email: null }],
    ["shipping_address_missing", {}, { shippingAddress: null }],
    ["country_not_served", { countries: ["FR"] }, {}],
    ["shipping_option_missing", { shippingOption: undefined }, {}],
    ["stock_insufficient", { variants: [{ ...variantOf("v1", 1_190), available: 1 }] }, {}],
    ["orders_closed", { hasRoom: false }, {}],
    ["total_too_large", { variants: [variantOf("v1", 99_999_999_999)] }, {}],
  ] as const)("%s", (requirement, rows, header) => {
    expect(calculated(rows as Partial<Rows>, header as Partial<CartRow>).requirements).toEqual([requirement]);
    expect(calculated().requirements).toEqual([]);
  });

  test("a line whose variant was removed between two statements is left out", () => {
    expect(calculated({ variants: [] })).toMatchObject({ lines: [], requirements: ["lines_missing"] });
  });
});

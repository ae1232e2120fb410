import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Option, optionErrors } from "../../core/catalog/option.js";
import { changeOptions } from "../../core/catalog/option-change.js";
import { Failure } from "../../core/kernel/error.js";
import { type Body, Cart, ifMatch, newProduct, newTenant, type Tenant, unique } from "../support/client.js";
import { eventsOf } from "../support/list.js";

let mine: Tenant;
beforeAll(async () => {
  mine = await newTenant();
});

const colour = { name: "Colour", values: ["Red", "Blu"] };
const size = { name: "Size", values: ["S", "M"] };
const pathOf = ({ id }: Body) => `/v1/admin/products/${id}`;
const choices = (product: Body) => product.variants.map(({ options }: Body) => options);

/** A shirt in two colors that is in a cart, so that neither variant can be deleted. */
async function shirt(): Promise<Body> {
  const prices = [{ amount: 1_000, currency: "EUR" }];
  const variants = colour.values.map((value) => ({ sku: unique("C-"), options: { Colour: value }, prices }));
  const product = await mine.post("/v1/admin/products", {
    name: "Shirt",
    status: "active",
    options: [colour],
    variants,
  });
  await Cart.open(mine.shop, { lines: product.variants.map(({ id }: Body) => ({ variantId: id, quantity: 1 })) });
  return product;
}
const patch = (product: Body, body: object) => mine.patch(pathOf(product), body, ifMatch(product.version));

describe("options and the values of variants change in one request", () => {
  test("an option and a value get other names, and variants keep theirs", async () => {
    const product = await shirt();
    const renamed = await patch(product, { options: [{ name: "Color", values: ["Red", "Blu"] }] });
    expect(choices(renamed)).toEqual([{ Color: "Red" }, { Color: "Blu" }]);
    expect(renamed.options).toEqual([{ name: "Color", values: ["Red", "Blu"] }]);
    const blue = { name: "Color", values: ["Blue", "Red"], renamedValues: { Blu: "Blue" } };
    const after = await patch(renamed, { options: [blue] });
    expect(after.variants.map(({ name, version }: Body) => [name, version])).toEqual([
      ["Red", 2],
      ["Blue", 3],
    ]);
    const [, variant] = after.variants;
    expect(await mine.get(pathOf(product))).toEqual(after);
    expect(await eventsOf(mine, "variant.updated")).toContainEqual({ variantId: variant.id, productId: product.id });
    const swapped = await patch(after, {
      options: [{ name: "Color", values: ["Blue", "Red"], renamedValues: { Blue: "Red", Red: "Blue" } }],
    });
    expect(choices(swapped)).toEqual([{ Color: "Blue" }, { Color: "Red" }]);
  });

  test("an option is added with a value for the variants that exist, reordered, and taken away", async () => {
    const product = await shirt();
    expect(await mine.faults("PATCH", pathOf(product), { body: { options: [colour, size] } })).toBe(
      "422 invalid_request /options/1/defaultValue",
    );
    const added = await patch(product, { options: [colour, { ...size, defaultValue: "M" }] });
    expect(choices(added)).toEqual([
      { Colour: "Red", Size: "M" },
      { Colour: "Blu", Size: "M" },
    ]);
    const reordered = await patch(added, { options: [size, colour] });
    expect(Object.keys(choices(reordered)[0])).toEqual(["Size", "Colour"]);
    expect(choices(await patch(reordered, { options: [colour] }))).toEqual([{ Colour: "Red" }, { Colour: "Blu" }]);
  });

  test("an option stays while variants would be equal without it, unless the request says otherwise", async () => {
    const product = await shirt();
    const [red, blue] = product.variants;
    const refused = await mine.call("PATCH", pathOf(product), { body: { options: [] } });
    expect([refused.status, refused.body.code]).toEqual([409, "product.variants_equal"]);
    expect(refused.body.errors[0].detail).toContain(`${red.sku}, ${blue.sku}`);
    const material = { name: "Material", values: ["Wool", "Silk"] };
    const variants = [
      { id: red.id, options: { Material: "Wool" } },
      { id: blue.id, options: { Material: "Silk" } },
    ];
    const after = await patch(product, { options: [material], variants });
    expect(choices(after)).toEqual([{ Material: "Wool" }, { Material: "Silk" }]);
  });

  test("a plain product gets its first option, and its variant the first value", async () => {
    const { productId } = await newProduct(mine, { stock: 1 });
    const after = await mine.patch(`/v1/admin/products/${productId}`, { options: [size] });
    expect(choices(after)).toEqual([{ Size: "S" }]);
    expect(choices(await mine.patch(`/v1/admin/products/${productId}`, { options: [] }))).toEqual([{}]);
  });

  test("what leads nowhere is refused, and nothing is changed", async () => {
    const product = await shirt();
    const [red] = product.variants;
    const other = await shirt();
    const refused = (body: object) => mine.faults("PATCH", pathOf(product), { body });
    expect(await refused({ options: [{ name: "Colour", values: ["Red"] }] })).toBe(
      "409 product.options_in_use /options",
    );
    expect(await refused({ options: [{ ...colour, formerName: "None" }] })).toBe(
      "422 invalid_request /options/0/formerName",
    );
    expect(await refused({ options: [colour, { ...size, defaultValue: "XL" }] })).toBe(
      "422 invalid_request /options/1/defaultValue",
    );
    const foreign = { id: other.variants[0].id, options: { Colour: "Red" } };
    expect(await refused({ variants: [foreign] })).toBe("422 invalid_request /variants/0/id");
    expect(await refused({ variants: [{ id: red.id, options: { Colour: "Green" } }] })).toBe(
      "422 variant.options_invalid /variants/0/options/Colour",
    );
    expect(await refused({ variants: [{ id: red.id, options: { Colour: "Blu" } }] })).toBe(
      "409 product.variants_equal /options",
    );
    expect(await mine.get(pathOf(product))).toEqual(product);
  });

  test("whatever is asked, an accepted change leaves one known value of each option, and no two variants alike", () => {
    const label = fc.constantFrom("A", "B", "C", "D");
    const option = fc.record({ name: label, values: fc.uniqueArray(label, { minLength: 1, maxLength: 3 }) });
    const options = fc.uniqueArray(option, { maxLength: 3, selector: ({ name }) => name });
    const hints = fc.record(
      { formerName: label, defaultValue: label, renamedValues: fc.dictionary(label, label, { maxKeys: 2 }) },
      { requiredKeys: [] },
    );
    const isSound = (after: readonly Option[], chosen: readonly Record<string, string>[]) =>
      chosen.every((choice) => optionErrors(after, choice, "").length === 0) &&
      new Set(chosen.map((choice) => JSON.stringify(choice))).size === chosen.length;
    let accepted = 0;
    fc.assert(
      fc.property(
        options,
        options,
        fc.array(hints, { minLength: 3, maxLength: 3 }),
        fc.nat(9),
        fc.dictionary(label, label, { maxKeys: 2 }),
        (before, wanted, given, seed, assigned) => {
          const all = before.reduce<Record<string, string>[]>(
            (some, { name, values }) => some.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
            [{}],
          );
          const variants = all
            .slice(0, 1 + (seed % all.length))
            .map((chosen, index) => ({ id: `v${index}`, sku: `${index}`, name: "", options: chosen }));
          const after = wanted.map((one, index) => ({ ...one, ...given[index] }));
          const assignments = seed > 4 ? [{ id: "v0", options: assigned }] : [];
          try {
            expect(isSound(after, changeOptions({ before, after, variants, assignments }))).toBe(true);
            accepted += 1;
          } catch (error) {
            if (!(error instanceof Failure)) throw error;
          }
        },
      ),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Body, Caller, newProduct, newTenants, type Tenant } from "../support/client.js";
import { expectPages, walk } from "../support/list.js";

const PATH = "/v1/store/products";
type Product = Awaited<ReturnType<typeof newProduct>>;
let mine: Tenant;
let theirs: Tenant;
let mug: Product;
let cup: Product;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  mug = await newProduct(mine, { stock: 3, amount: 1_000 });
  cup = await newProduct(mine);
  await newProduct(mine, { status: "draft" });
  await newProduct(mine, { status: "archived" });
});

const priceOf = async (query: string) => (await mine.shop.get(`${PATH}/${mug.slug}?${query}`)).variants[0].price;

describe("a shopper", () => {
  test("sees what is for sale, the newest first, in pages", async () => {
    expect((await walk(mine.shop, PATH)).map(({ id }: Body) => id)).toEqual([cup.productId, mug.productId]);
    await expectPages(mine.shop, PATH);
  });

  test("finds a product by its id and by its slug, with what can be bought and nothing else", async () => {
    const product = await mine.shop.get(`${PATH}/${mug.slug}`);
    expect(product).toEqual({
      id: mug.productId,
      slug: mug.slug,
      name: expect.any(String),
      description: "",
      options: [],
      variants: [
        {
          id: mug.variantId,
          sku: mug.sku,
          name: expect.any(String),
          options: {},
          available: 3,
          price: { amount: 1_000, currency: "EUR", compareAt: null, taxInclusive: true },
        },
      ],
    });
    expect(await mine.shop.get(`${PATH}/${mug.productId}`)).toEqual(product);
    expect((await mine.shop.get(PATH)).data).toContainEqual(product);
  });

  test("sees prices in a currency, in that of a region, or in the shop's own", async () => {
    const prices = [
      { amount: 1_000, currency: "EUR" },
      { amount: 1_200, currency: "USD" },
    ];
    await mine.put(`/v1/admin/variants/${mug.variantId}/prices`, { prices });
    const [region] = (await mine.get("/v1/admin/regions")).data;
    expect(await priceOf("currency=USD")).toMatchObject({ amount: 1_200, currency: "USD" });
    expect(await priceOf(`region=${region.id}`)).toMatchObject({ amount: 1_000, currency: "EUR" });
    expect(await priceOf("")).toMatchObject({ amount: 1_000, currency: "EUR" });
    expect(await priceOf("currency=CHF")).toBeNull();
    const listed = (await mine.shop.get(`${PATH}?currency=USD`)).data.map(({ variants }: Body) => variants[0].price);
    expect(listed).toMatchObject([null, { amount: 1_200 }]);
  });

  test("is told of a region or a currency that is not known", async () => {
    const unknown = `region=${newTypeId("rgn")}`;
    for (const path of [`${PATH}?${unknown}`, `${PATH}/${mug.slug}?${unknown}`])
      expect(await mine.shop.faults("GET", path)).toBe("422 invalid_request region");
    expect(await mine.shop.faults("GET", `${PATH}?currency=EURO`)).toBe("422 invalid_request /currency");
  });

  test("finds nothing that is not there, or is another shop's", async () => {
    for (const name of ["no-such-mug", newTypeId("prd")])
      expect(await mine.shop.outcome("GET", `${PATH}/${name}`)).toBe("404 product.not_found");
    for (const name of [mug.slug, mug.productId])
      expect(await theirs.shop.outcome("GET", `${PATH}/${name}`)).toBe("404 product.not_found");
    expect((await theirs.shop.get(PATH)).data).toEqual([]);
  });
});

test("a shop is opened by its publishable key and by its secret key, not by a member nor by nobody", async () => {
  expect(await mine.outcome("GET", PATH)).toBe("200");
  expect(await mine.owner.outcome("GET", PATH)).toBe("403 forbidden");
  const nobody = new Caller(mine.url, undefined, { "x-tenant-id": mine.slug });
  expect(await nobody.outcome("GET", PATH)).toBe("401 unauthenticated");
});

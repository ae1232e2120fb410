// The catalog goes in through Vendure's own services.
const { writeFileSync } = require("node:fs");
const vendure = require("@vendure/core");
const { populate } = require("@vendure/core/cli");
const { config } = require("./config.js");

const { products, sizes, stock } = require(process.env.CATALOG);

const settings = {
  defaultLanguage: "en",
  defaultZone: "Europe",
  countries: [{ name: "Germany", code: "DE", zone: "Europe" }],
  taxRates: [{ name: "Standard Tax", percentage: 20 }],
  shippingMethods: [{ name: "Flat", price: 500 }],
  paymentMethods: [
    {
      name: "Manual",
      handler: { code: "dummy-payment-handler", arguments: [{ name: "automaticSettle", value: "false" }] },
    },
  ],
  collections: [],
  roles: [],
};

const contextOf = (app) => app.get(vendure.RequestContextService).create({ apiType: "admin", languageCode: "en" });
const inEnglish = (fields) => [{ languageCode: "en", ...fields }];

async function setChannel(app) {
  const ctx = await contextOf(app);
  const channel = await app.get(vendure.ChannelService).getDefaultChannel();
  const [zone] = (await app.get(vendure.ZoneService).findAll(ctx)).items;
  await app.get(vendure.ChannelService).update(ctx, {
    id: channel.id,
    defaultCurrencyCode: "EUR",
    availableCurrencyCodes: ["EUR"],
    defaultTaxZoneId: zone.id,
    defaultShippingZoneId: zone.id,
    pricesIncludeTax: false,
  });
}

async function addProduct(app, ctx, taxCategoryId, { title, handle, description, cents }) {
  const services = [vendure.ProductService, vendure.ProductOptionGroupService, vendure.ProductOptionService];
  const [productService, groups, options] = services.map((service) => app.get(service));
  const translations = inEnglish({ name: title, slug: handle, description });
  const product = await productService.create(ctx, { translations });
  const group = await groups.create(ctx, { code: `${handle}-size`, translations: inEnglish({ name: "Size" }) });
  const optionIds = [];
  for (const size of sizes) {
    const option = { code: size.toLowerCase(), translations: inEnglish({ name: size }) };
    optionIds.push((await options.create(ctx, group, option)).id);
  }
  await productService.addOptionGroupToProduct(ctx, product.id, group.id);
  const variants = sizes.map((size, nth) => ({
    productId: product.id,
    sku: `${handle}-${size}`,
    price: cents + 100 * nth,
    taxCategoryId,
    optionIds: [optionIds[nth]],
    stockOnHand: stock,
    trackInventory: "TRUE",
    translations: inEnglish({ name: `${title} ${size}` }),
  }));
  const made = await app.get(vendure.ProductVariantService).create(ctx, variants);
  return { product: product.id, variants: made.map(({ id }) => id) };
}

/** One reindexing of everything instead of a job for each product, waited for. */
async function reindex(app, ctx) {
  const { rawConnection } = app.get(vendure.TransactionalConnection);
  await rawConnection.query("delete from job_record");
  await app.get(vendure.JobQueueService).start();
  await app.get(vendure.SearchService).reindex(ctx);
  for (let idle = 0; idle < 4; ) {
    const open = "select 1 from job_record where state in ('PENDING', 'RUNNING', 'RETRYING') limit 1";
    idle = (await rawConnection.query(open)).length > 0 ? 0 : idle + 1;
    await new Promise((resume) => setTimeout(resume, 500));
  }
}

async function seed() {
  const app = await populate(() => vendure.bootstrap(config), settings);
  await setChannel(app);
  const ctx = await contextOf(app);
  const [category] = (await app.get(vendure.TaxCategoryService).findAll(ctx)).items;
  const made = [];
  for (const product of products) made.push(await addProduct(app, ctx, category.id, product));
  await reindex(app, ctx);
  const ids = { products: made.map(({ product }) => product), variants: made.flatMap(({ variants }) => variants) };
  writeFileSync(process.env.IDS, JSON.stringify(ids));
  await app.close();
}

seed().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

// Run by `medusa exec`: the catalog goes in through Medusa's own workflows.
const { writeFileSync } = require("node:fs");
const { ContainerRegistrationKeys, Modules, ProductStatus } = require("@medusajs/framework/utils");
const flows = require("@medusajs/medusa/core-flows");

const { products, sizes, stock } = require(process.env.CATALOG);
const country = "de";

async function openStore({ run, query, link }) {
  const { data: stores } = await query.graph({ entity: "store", fields: ["id"] });
  const [channel] = await run(flows.createSalesChannelsWorkflow, { salesChannelsData: [{ name: "Shop" }] });
  await run(flows.updateStoresWorkflow, {
    selector: { id: stores[0].id },
    update: {
      supported_currencies: [{ currency_code: "eur", is_default: true }],
      default_sales_channel_id: channel.id,
    },
  });
  const [region] = await run(flows.createRegionsWorkflow, {
    regions: [
      { name: "Germany", currency_code: "eur", countries: [country], payment_providers: ["pp_system_default"] },
    ],
  });
  const tax = { name: "VAT", code: "vat", rate: 20 };
  await run(flows.createTaxRegionsWorkflow, [
    { country_code: country, provider_id: "tp_system", default_tax_rate: tax },
  ]);
  const [location] = await run(flows.createStockLocationsWorkflow, {
    locations: [{ name: "Warehouse", address: { city: "Berlin", country_code: "DE", address_1: "Street 1" } }],
  });
  const provider = { [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" } };
  await link.create({ [Modules.STOCK_LOCATION]: { stock_location_id: location.id }, ...provider });
  await run(flows.linkSalesChannelsToStockLocationWorkflow, { id: location.id, add: [channel.id] });
  return { channel, region, location };
}

async function addShipping({ run, query, link, container }, location) {
  const { data: profiles } = await query.graph({ entity: "shipping_profile", fields: ["id"] });
  const make = () => run(flows.createShippingProfilesWorkflow, { data: [{ name: "Default", type: "default" }] });
  const profile = profiles[0] ?? (await make())[0];
  const zone = { name: "Germany", geo_zones: [{ country_code: country, type: "country" }] };
  const set = await container
    .resolve(Modules.FULFILLMENT)
    .createFulfillmentSets({ name: "Delivery", type: "shipping", service_zones: [zone] });
  const owner = { [Modules.STOCK_LOCATION]: { stock_location_id: location.id } };
  await link.create({ ...owner, [Modules.FULFILLMENT]: { fulfillment_set_id: set.id } });
  await run(flows.createShippingOptionsWorkflow, [
    {
      name: "Flat",
      price_type: "flat",
      provider_id: "manual_manual",
      service_zone_id: set.service_zones[0].id,
      shipping_profile_id: profile.id,
      type: { label: "Standard", description: "Flat rate", code: "standard" },
      prices: [{ currency_code: "eur", amount: 5 }],
      rules: [
        { attribute: "enabled_in_store", value: "true", operator: "eq" },
        { attribute: "is_return", value: "false", operator: "eq" },
      ],
    },
  ]);
  return profile;
}

const inputOf = ({ title, handle, description, cents }, profile, channel) => ({
  title,
  handle,
  description,
  status: ProductStatus.PUBLISHED,
  shipping_profile_id: profile.id,
  options: [{ title: "Size", values: sizes }],
  variants: sizes.map((size, nth) => ({
    title: size,
    sku: `${handle}-${size}`,
    options: { Size: size },
    manage_inventory: true,
    prices: [{ currency_code: "eur", amount: cents / 100 + nth }],
  })),
  sales_channels: [{ id: channel.id }],
});

async function fill({ run, query }, { channel, location }, profile) {
  for (let at = 0; at < products.length; at += 50) {
    const batch = products.slice(at, at + 50).map((product) => inputOf(product, profile, channel));
    await run(flows.createProductsWorkflow, { products: batch });
  }
  const pagination = { take: 10_000, skip: 0 };
  const { data: items } = await query.graph({ entity: "inventory_item", fields: ["id"], pagination });
  for (let at = 0; at < items.length; at += 500) {
    const level = ({ id }) => ({ inventory_item_id: id, location_id: location.id, stocked_quantity: stock });
    await run(flows.createInventoryLevelsWorkflow, { inventory_levels: items.slice(at, at + 500).map(level) });
  }
  return (await query.graph({ entity: "product", fields: ["id", "variants.id"], pagination })).data;
}

module.exports.default = async function seed({ container }) {
  const run = async (workflow, input) => (await workflow(container).run({ input })).result;
  const link = container.resolve(ContainerRegistrationKeys.LINK);
  const query = container.resolve(ContainerRegistrationKeys.QUERY);
  const tools = { run, query, link, container };
  const store = await openStore(tools);
  const profile = await addShipping(tools, store.location);
  const keys = [{ title: "Shop", type: "publishable", created_by: "" }];
  const [key] = await run(flows.createApiKeysWorkflow, { api_keys: keys });
  await run(flows.linkSalesChannelsToApiKeyWorkflow, { id: key.id, add: [store.channel.id] });
  const made = await fill(tools, store, profile);
  const ids = {
    key: key.token,
    region: store.region.id,
    products: made.map(({ id }) => id),
    variants: made.flatMap(({ variants }) => variants.map(({ id }) => id)),
  };
  writeFileSync(process.env.IDS, JSON.stringify(ids));
};

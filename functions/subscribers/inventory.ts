import { Catalog } from "../../core/catalog/index.js";
import { Inventory } from "../../core/inventory/index.js";
import { on } from "../../core/kernel/event/index.js";
import type { Sweep } from "../modules/module.js";

/** A new variant can be counted and sold at once: its level is there, and empty. */
export const inventorySubscribers = [
  on(Catalog.ProductCreated, "inventory.open-stock", ({ data }) => Inventory.open(data)),
  on(Catalog.VariantCreated, "inventory.open-variant-stock", ({ data }) => Inventory.open(data)),
];

export const inventorySweeps: Sweep[] = [{ name: "inventory.release-expired", run: () => Inventory.releaseExpired() }];

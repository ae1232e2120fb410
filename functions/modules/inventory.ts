import * as z from "zod";
import { Catalog } from "../../core/catalog/index.js";
import { Inventory } from "../../core/inventory/index.js";
import {
  locationTable,
  reservationTable,
  stockLevelTable,
  stockMovementTable,
} from "../../core/inventory/inventory.sql.js";
import { defineScope } from "../../core/kernel/access.js";
import { on } from "../../core/kernel/event/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readInventory = defineScope("inventory:read", "MEMBER");
const writeInventory = defineScope("inventory:write", "MEMBER");

const routes = [
  endpoint(
    "post",
    "/v1/admin/inventory/adjustments",
    {
      allow: writeInventory,
      body: Inventory.Adjustments,
      returns: [200, z.object({ data: z.array(Inventory.Level) })],
      idempotency: "required",
      summary: "Adjust stock",
      description:
        "Each adjustment changes the stock on hand of a variant by a number (`delta`) or to a number (`set`). All or none are " +
        "applied: 409 `stock.insufficient` if one would leave less than is reserved, 409 `stock.changed` if the stock on " +
        "hand differs from `expected`. Returns the new levels.",
    },
    async ({ body }) => ({ data: await Inventory.adjust(body) }),
  ),
  endpoint(
    "get",
    "/v1/admin/inventory",
    {
      allow: readInventory,
      query: Inventory.LevelPage,
      returns: [200, listOf(Inventory.Level)],
      summary: "List stock levels",
    },
    ({ query }) => Inventory.listLevels(query),
  ),
  endpoint(
    "get",
    "/v1/admin/inventory/movements",
    {
      allow: readInventory,
      query: Inventory.MovementPage,
      returns: [200, listOf(Inventory.Movement)],
      summary: "List stock movements",
    },
    ({ query }) => Inventory.listMovements(query),
  ),
  endpoint(
    "get",
    "/v1/admin/locations",
    {
      allow: readInventory,
      query: Inventory.LocationPage,
      returns: [200, listOf(Inventory.Location)],
      summary: "List locations",
    },
    ({ query }) => Inventory.listLocations(query),
  ),
];

export const inventory: Module = {
  name: "inventory",
  scopes: [readInventory, writeInventory],
  tables: [locationTable, stockLevelTable, stockMovementTable, reservationTable],
  routes,
  events: Inventory.events,
  subscribers: [
    on(Catalog.ProductCreated, "inventory.open-stock", ({ data }) => Inventory.createLevels(data)),
    on(Catalog.VariantCreated, "inventory.open-variant-stock", ({ data }) => Inventory.createLevels(data)),
  ],
  sweeps: [{ name: "inventory.release-expired", run: () => Inventory.releaseExpired(), slice: 500 }],
};

export { available } from "../catalog/available.js";
export { Adjustment, Adjustments, adjust, StockAdjusted } from "./adjustment.js";
export * as Inventory from "./index.js";
export { Level, LevelPage, levels, open } from "./level.js";
export { Location, LocationPage, locations } from "./location.js";
export { Movement, MovementPage, movements } from "./movement.js";
export { reservedUntilQuery } from "./reservation.js";
export { hold, type Line, release, releaseExpired, take } from "./stock.js";

import { StockAdjusted } from "./adjustment.js";

export { LocationId, MovementId } from "./inventory.sql.js";

export const events = [StockAdjusted];

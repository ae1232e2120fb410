export { Adjustment, Adjustments, adjust, StockAdjusted } from "./adjustment.js";
export { available } from "./available.js";
export * as Inventory from "./index.js";
export { Level, LevelPage, levels, open } from "./level.js";
export { Location, LocationId, LocationPage, locations } from "./location.js";
export { Movement, MovementId, MovementPage, movements } from "./movement.js";
export { hold, type Line, release, releaseExpired, take } from "./stock.js";

import { StockAdjusted } from "./adjustment.js";

export const events = [StockAdjusted];

export { Adjustments, adjust } from "./adjustment.js";
export * as Inventory from "./index.js";
export { Level, LevelPage, levels, open } from "./level.js";
export { Location, LocationPage, locations } from "./location.js";
export { Movement, MovementPage, movements } from "./movement.js";
export { reservedUntilQuery } from "./reservation.js";
export { hold, release, releaseExpired, take } from "./stock.js";

import { StockAdjusted } from "./adjustment.js";

export const events = [StockAdjusted];

export { Adjustments, adjust } from "./adjustment.js";
export * as Inventory from "./index.js";
export { createLevels, Level, LevelPage, listLevels } from "./level.js";
export { Location, LocationPage, listLocations } from "./location.js";
export { listMovements, Movement, MovementPage } from "./movement.js";
export { reservedUntilQuery } from "./reservation.js";
export { restockLater } from "./restock.js";
export {
  type Allocation,
  allocate,
  deduction,
  releaseExpired,
  releaseLater,
  reservation,
} from "./stock.js";

import { StockAdjusted } from "./adjustment.js";

export const events = [StockAdjusted];

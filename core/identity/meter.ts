import { eq, sql } from "drizzle-orm";
import { defineMeter } from "../entitlement/index.js";
import { memberTable } from "./identity.sql.js";

/** The active members, the owner included. */
export const memberMeter = defineMeter({
  name: "members",
  limits: { starter: 3, growth: 15, scale: null },
  count: (q) => q.select({ count: sql`count(*)` }).from(memberTable).where(eq(memberTable.status, "active")),
});

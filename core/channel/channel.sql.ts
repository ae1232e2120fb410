import { boolean, text, unique } from "drizzle-orm/pg-core";

import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const ChannelId = id("chn");

/** A way to sell: the web shop, a marketplace, a till. */
export const channelTable = tenantTable(
  "channel",
  {
    id: ChannelId.column("id").notNull(),
    slug: text("slug").notNull(),
    name: text("name").notNull(),
    isDefault: boolean("is_default").notNull().default(false),
  },
  (self) => [unique("channel_slug").on(self.tenantId, self.slug)],
);

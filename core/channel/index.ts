export * as Channel from "./index.js";

import { asc, gt } from "drizzle-orm";
import * as z from "zod";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { listOf, pageQuery, paginate } from "../kernel/page.js";
import { ChannelId, channelTable } from "./channel.sql.js";

const ChannelRecord = z
  .object({ id: ChannelId, slug: z.string(), name: z.string(), isDefault: z.boolean() })
  .meta({ id: "Channel" });

const view = {
  id: channelTable.id,
  slug: channelTable.slug,
  name: channelTable.name,
  isDefault: channelTable.isDefault,
};

const ChannelPage = pageQuery({});
export const ChannelList = listOf(ChannelRecord);

export const list = fn(ChannelPage, async ({ limit, cursor }) => {
  const { after, page: answer } = paginate("channels", cursor);
  const rows = await read((q) =>
    q
      .select(view)
      .from(channelTable)
      .where(after.id ? gt(channelTable.id, after.id) : undefined)
      .orderBy(asc(channelTable.id))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ id: row.id }));
});

export * as Channel from "./index.js";

import * as z from "zod";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { listOf, pageQuery } from "../kernel/page.js";
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

export const list = fn(ChannelPage, (page) =>
  listById({ name: "channels", id: channelTable.id, order: "asc" }, page, (q) =>
    q.select(view).from(channelTable).$dynamic(),
  ),
);

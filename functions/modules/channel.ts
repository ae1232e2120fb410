import { channelTable } from "../../core/channel/channel.sql.js";
import { Channel } from "../../core/channel/index.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readSettings } from "./tenant.js";

const routes = [
  endpoint(
    "get",
    "/v1/admin/channels",
    {
      allow: readSettings,
      summary: "List channels",
      query: Channel.list.schema,
      returns: [200, Channel.ChannelList],
    },
    ({ query }) => Channel.list(query),
  ),
];

export const channel: Module = {
  name: "channel",
  tables: [channelTable],
  routes,
};

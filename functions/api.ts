import { handle } from "hono/aws-lambda";
import { requireConfig } from "../core/config.js";
import { createApp } from "./http/app.js";
import { modules } from "./modules.js";
import { nudgeAfterCommit } from "./nudge.js";

requireConfig("api");
nudgeAfterCommit();

/** The HTTP API behind API Gateway (payload 2.0). */
export const handler = handle(createApp(modules));

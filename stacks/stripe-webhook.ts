import { lambda, send } from "./lambda.js";
import { migrated } from "./migrate.js";
import { queues } from "./queues.js";

/** Its URL and `/platform` or `/connect` are the two webhook endpoints at Stripe, with the events that the modules handle. */
export const stripeWebhook = lambda("stripe", { permissions: [send(queues.nudge)], after: migrated });

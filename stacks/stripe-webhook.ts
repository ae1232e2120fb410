import { lambda, send } from "./lambda.js";
import { migrated } from "./migrate.js";
import { queues } from "./queues.js";

/** Its URL and `/platform` or `/connect` are the two webhook endpoints at Stripe, with the events of core/stripe/type.ts. */
export const stripeWebhook = lambda("stripe", { permissions: [send(queues.nudge)], after: migrated });

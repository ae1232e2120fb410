import { gateway } from "./gateway.js";
import { allow, lambda } from "./lambda.js";
import { migrated } from "./migrate.js";
import { queues } from "./queues.js";

/** It also asks for the queue's attributes: `/ready` says whether the queue answers. */
const nudge = allow(["sqs:SendMessage", "sqs:GetQueueAttributes"], queues.nudge.queue.arn);
const api = lambda("api", { permissions: [nudge], after: migrated });

gateway.route("$default", api.arn, { name: "Default" });

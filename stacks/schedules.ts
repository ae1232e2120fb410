import { relay } from "./consumers.js";
import { lambda, send } from "./lambda.js";
import { migrated } from "./migrate.js";
import { capitalize } from "./name.js";
import { deadLetterQueue, queues } from "./queues.js";
import { stageSettings } from "./stage.js";
import { schedules } from "./topology.js";

const sweeper = lambda("schedule", { permissions: [send(queues.nudge)], after: migrated });
const targets = { relay, schedule: sweeper };
const deadLetter = deadLetterQueue("TickDeadLetter");

for (const [name, spec] of Object.entries(schedules)) {
  const minutes = stageSettings($app.stage).everyMinutes ?? spec.everyMinutes;
  new sst.aws.CronV2(`${capitalize(name)}Tick`, {
    function: targets[spec.function].arn,
    schedule: minutes === 1 ? "rate(1 minute)" : `rate(${minutes} minutes)`,
    retries: 2,
    dlq: deadLetter.arn,
    transform: {
      schedule: (args) => {
        // A tick that is late by more than its own period is the next tick's work.
        args.target = $output(args.target).apply((target) => ({
          ...target,
          retryPolicy: { ...target.retryPolicy, maximumEventAgeInSeconds: minutes * 60 },
        }));
      },
    },
  });
}

export const tickDeadLetter = deadLetter;

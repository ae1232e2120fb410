/// <reference path="./.sst/platform/config.d.ts" />

// SST allows no import at the top of this file; each stack is named, because esbuild would expand
// `import("./stacks/" + name)` into every file below stacks/, the local host included.
export default $config({
  async app({ stage }) {
    const { stageSettings } = await import("./stacks/stage.js");
    const { permanent, region } = stageSettings(stage);
    return {
      name: "stoa",
      home: "aws",
      removal: permanent ? "retain" : "remove",
      protect: permanent,
      providers: { aws: { region } },
    };
  },
  async run() {
    await import("./stacks/secrets.js");
    await import("./stacks/queues.js");
    await import("./stacks/bus.js");
    await import("./stacks/mail.js");
    await import("./stacks/gateway.js");
    await import("./stacks/migrate.js");
    await import("./stacks/api.js");
    const { stripeWebhook } = await import("./stacks/stripe-webhook.js");
    await import("./stacks/consumers.js");
    await import("./stacks/schedules.js");
    await import("./stacks/alarms.js");
    const { gateway } = await import("./stacks/gateway.js");
    return { url: gateway.url, stripeWebhookUrl: stripeWebhook.url };
  },
});

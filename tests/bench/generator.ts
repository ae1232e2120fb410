import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Load, Order } from "./load.js";

/** Makes load in a process of its own, so that it does not share an event loop with the gateway. */
export interface Generator {
  /** @throws when a request was refused that was not to be, because then the figures are of something else */
  run(order: Order): Promise<Load>;
  stop(): void;
}

export function startGenerator(): Generator {
  const child = fork(fileURLToPath(new URL("./load.ts", import.meta.url)), { execArgv: ["--import", "tsx"] });
  return {
    async run(order) {
      child.send(order);
      const [reply] = (await once(child, "message")) as [{ load?: Load; error?: string }];
      if (!reply.load) throw new Error(reply.error);
      const refused = Object.entries(reply.load.refused).map(([status, count]) => `${count} × ${status}`);
      if (refused.length > 0 && !order.refusable)
        throw new Error(`Under the load of "${order.scenario}": ${refused.join(", ")}.`);
      return reply.load;
    },
    stop: () => void child.kill(),
  };
}

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";

/** Node announces each request that a server of this process receives; queues and bus are such servers. */
const CHANNEL = "http.server.request.start";

/** Counts what functions ask of SQS and EventBridge, by action, such as `SendMessage`, until `stop` tells. */
export function countCalls(): { stop(): Record<string, number> } {
  const calls: Record<string, number> = {};
  const onRequest = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    const [service, action = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
    // Those of the event source mapping (receive, delete) are computed from the batches: the host makes them its own way.
    if (!service || !/^(Send|Put|Change)/.test(action)) return;
    calls[action] = (calls[action] ?? 0) + 1;
  };
  subscribe(CHANNEL, onRequest);
  return {
    stop() {
      unsubscribe(CHANNEL, onRequest);
      return calls;
    },
  };
}

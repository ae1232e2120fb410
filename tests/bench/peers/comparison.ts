import { fork } from "node:child_process";
import { on } from "node:events";
import { fileURLToPath } from "node:url";
import type { Shop } from "../shop.js";
import { home, isInstalled, peerNames } from "./home.js";
import { startPeer, stopPeer } from "./server.js";
import type { Asked, Compared } from "./slices.js";
import { startStores, stopStores } from "./store.js";

/** The line that says how, when the peers are not there; undefined when they are. */
export const missing = (): string | undefined =>
  isInstalled()
    ? undefined
    : `No peers in ${home} (PEERS_ROOT names another folder); \`node --import tsx tests/bench/peers/install.ts\` makes them.`;

/** Starts what the peers need, and both of them. */
export async function startPeers(): Promise<void> {
  await startStores();
  for (const peer of peerNames) await startPeer(peer);
}

export async function stopPeers(): Promise<void> {
  for (const peer of peerNames) await stopPeer(peer);
  await stopStores();
}

interface Reply {
  readonly done?: string;
  readonly compared?: Compared[];
  readonly error?: string;
}

/** Runs each work on the shop, on Medusa and on Vendure in turn. @throws when a work fails each time */
export async function compareWithPeers(
  shop: Shop,
  length: Pick<Asked, "rounds" | "seconds">,
  say: (what: string) => void,
): Promise<Compared[]> {
  const child = fork(fileURLToPath(new URL("./slices.ts", import.meta.url)), { execArgv: ["--import", "tsx"] });
  try {
    const replies = on(child, "message", { close: ["exit"] });
    child.send({ shop, ...length } satisfies Asked);
    for await (const [reply] of replies as AsyncIterable<[Reply]>) {
      if (reply.error) throw new Error(reply.error);
      if (reply.compared) return reply.compared;
      say(`compared: ${reply.done}`);
    }
    throw new Error("The process that makes the load has ended.");
  } finally {
    child.kill();
  }
}

import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket, WebSocketServer } from "ws";
import { preparedTexts, readMessages } from "./wire.js";

/** Counts of a remote client: each query cycle of a connection is a round trip. */
interface BridgeCounts {
  roundTrips: number;
  /** Statements of clients, BEGIN and COMMIT among them. */
  statements: number;
  connections: number;
}

export interface Bridge {
  readonly port: number;
  counts(): BridgeCounts;
  /** The distinct texts of statements that clients had prepared since the start. */
  texts(): ReadonlySet<string>;
  reset(): void;
  /** Breaks every connection at once, as a lost network does. */
  cut(): void;
  /** Delays messages of clients by so many milliseconds from now on. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

interface State {
  readonly postgresPort: number;
  readonly pairs: Set<() => void>;
  readonly texts: Set<string>;
  counts: BridgeCounts;
  delay: number;
}

const none = (): BridgeCounts => ({ roundTrips: 0, statements: 0, connections: 0 });
const bodyLimit = 64 * 1024 * 1024;
const highWater = 1024 * 1024;

/** Starts Neon's protocol, a WebSocket on /v2, before a local PostgreSQL, on 127.0.0.1. */
export async function startBridge(options: { port?: number; postgresPort: number }): Promise<Bridge> {
  const { postgresPort } = options;
  const state: State = { postgresPort, pairs: new Set(), texts: new Set(), counts: none(), delay: 0 };
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: bodyLimit });
  const server = createServer((_, response) => void response.writeHead(404).end());
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    if (!request.url?.startsWith("/v2")) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (ws) => join(state, ws));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const cut = () => {
    for (const end of state.pairs) end();
    server.closeAllConnections();
  };
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => ({ ...state.counts }),
    texts: () => state.texts,
    reset() {
      state.counts = none();
    },
    cut,
    delay(ms) {
      state.delay = ms;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

/** One client to one session of PostgreSQL; bytes pass unchanged, and either end closes the other. */
function join(state: State, ws: WebSocket): void {
  const session = connect({ port: state.postgresPort, host: "127.0.0.1", noDelay: true });
  const end = () => {
    ws.terminate();
    session.destroy();
  };
  state.pairs.add(end);
  state.counts.connections++;
  let sent = Promise.resolve();
  let delayed = 0;
  const write = (data: Buffer) => {
    if (!session.write(data)) ws.pause();
  };
  ws.on("message", (data) => {
    if (!Buffer.isBuffer(data)) return;
    for (const text of preparedTexts(data)) state.texts.add(text);
    if (state.delay === 0 && delayed === 0) return write(data);
    delayed++;
    sent = sent.then(async () => {
      await sleep(state.delay);
      write(data);
      delayed--;
    });
  });
  session.on("drain", () => ws.resume());
  const count = countSession(state);
  session.on("data", (chunk) => {
    count(chunk);
    if (ws.readyState !== WebSocket.OPEN) return;
    ws.send(chunk, () => {
      if (session.isPaused() && ws.bufferedAmount < highWater) session.resume();
    });
    if (ws.bufferedAmount >= highWater) session.pause();
  });
  ws.on("error", () => undefined);
  ws.on("close", () => void sent.then(() => session.destroySoon()));
  session.on("error", () => undefined);
  session.on("close", () => {
    state.pairs.delete(end);
    // A graceful close first: PostgreSQL's last message (57P01) may still be in transit to the client.
    ws.close();
    setTimeout(() => ws.terminate(), 1000).unref();
  });
}

function countSession(state: State): (chunk: Buffer) => void {
  let open = false;
  return readMessages((type) => {
    // CommandComplete, EmptyQueryResponse, PortalSuspended: the end of a statement. The first ReadyForQuery ends login.
    if (type === "C" || type === "I" || type === "s") state.counts.statements++;
    if (type === "Z" && open) state.counts.roundTrips++;
    if (type === "Z") open = true;
  });
}

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { readStatements } from "./frontend.js";

export interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
}

export interface Recorder {
  readonly port: number;
  /** The statements since the last call, in the order in which they were sent. */
  take(): readonly Statement[];
  stop(): void;
}

/** One session of PostgreSQL over both sockets, bytes unchanged; either end closes the other. */
function join(client: WebSocket, url: string, note: (statement: Statement) => void): void {
  const bridge = new WebSocket(url);
  const read = readStatements(note);
  const early: Buffer[] = [];
  client.on("message", (data: Buffer) => {
    read(data);
    if (bridge.readyState === WebSocket.OPEN) bridge.send(data);
    else early.push(data);
  });
  bridge.on("open", () => {
    for (const data of early.splice(0)) bridge.send(data);
  });
  bridge.on("message", (data: Buffer) => client.send(data));
  for (const [end, other] of [
    [client, bridge],
    [bridge, client],
  ] as const) {
    end.on("close", () => other.terminate());
    end.on("error", () => other.terminate());
  }
}

/** Stands between a function and the bridge, and remembers the statements that pass through either of its doors. */
export async function startRecorder(bridgePort: number): Promise<Recorder> {
  const statements: Statement[] = [];
  const note = (statement: Statement) => void statements.push(statement);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { queries = [] } = JSON.parse(body.toString()) as { queries?: Statement[] };
    queries.forEach(note);
    const headers = Object.entries(request.headers).filter(([name]) => name.startsWith("neon-"));
    const url = `http://127.0.0.1:${bridgePort}${request.url}`;
    const answer = await fetch(url, { method: "POST", headers: headers as [string, string][], body });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) =>
      join(client, `ws://127.0.0.1:${bridgePort}${request.url}`, note),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    take: () => statements.splice(0),
    stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

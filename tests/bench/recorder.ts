import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Statement {
  readonly query: string;
  readonly params: unknown[];
}

/** Stands between a function and Neon's HTTP endpoint and remembers the last batch that passed. */
export async function startRecorder(bridgePort: number) {
  let last: readonly Statement[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { queries } = JSON.parse(body.toString()) as { queries?: Statement[] };
    if (queries) last = queries;
    const headers = Object.entries(request.headers).filter(([name]) => name.startsWith("neon-"));
    const url = `http://127.0.0.1:${bridgePort}${request.url}`;
    const answer = await fetch(url, { method: "POST", headers: headers as [string, string][], body });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    last: () => last,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, Refused, say, toAnswer, toEvent } from "./gateway-event.js";
import { type Pool, Throttled } from "./pool.js";

export interface Gateway {
  readonly port: number;
  /** Requests go to this pool from now on; before, they are answered with 503. */
  serve(pool: Pool): void;
  stop(): Promise<void>;
}

/** Serves a path of the host itself; false when it is not one. */
export type Local = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Bytes; API Gateway's limit of a payload. */
const largestBody = 10 * 1024 * 1024;
/** Bytes; Lambda's limit of a synchronous event. */
const largestEvent = 6 * 1024 * 1024;
/** Bytes; API Gateway's limit of request line and headers. */
const largestHeader = 10_240;
/** Milliseconds; API Gateway waits no longer for a function. */
const patience = 29_000;

/** Reads the body; one that is too large is read to its end and thrown away, so that the client hears the answer. */
async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= largestBody) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > 10 * largestBody) throw new Refused(413, "Request Entity Too Large");
  }
  if (bytes > largestBody) throw new Refused(413, "Request Entity Too Large");
  return Buffer.concat(chunks);
}

async function answer(request: IncomingMessage, pool: Pool | undefined): Promise<Answer> {
  try {
    const event = toEvent(request, await read(request));
    if (Buffer.byteLength(event.body ?? "") > largestEvent) throw new Refused(413, "Request Entity Too Large");
    if (!pool) return say(503, "Service Unavailable");
    const result = toAnswer(await pool.invoke(event, { waitMs: patience }));
    return { ...result, headers: { ...result.headers, "apigw-requestid": event.requestContext.requestId } };
  } catch (error) {
    if (error instanceof Refused) return say(error.status, error.message);
    if (error instanceof Throttled) return say(503, "Service Unavailable");
    return say(500, "Internal Server Error"); // the function's own words are in its log
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  const bare = status === 204 || status === 304;
  try {
    response.writeHead(status, bare ? headers : { ...headers, "content-length": body.length });
  } catch {
    // A header that HTTP does not allow.
    send(request, response, say(500, "Internal Server Error"));
    return;
  }
  response.end(bare || request.method === "HEAD" ? undefined : body);
}

async function listen(server: Server, port: number): Promise<void> {
  for (let candidate = port; ; candidate = candidate > 0 && candidate < port + 20 ? candidate + 1 : 0) {
    const taken = await new Promise<Error | undefined>((resolve) => {
      server.once("error", resolve);
      server.listen(candidate, "127.0.0.1", () => {
        server.off("error", resolve);
        resolve(undefined);
      });
    });
    if (!taken) return;
    if ((taken as NodeJS.ErrnoException).code !== "EADDRINUSE" && candidate === 0) throw taken;
  }
}

/** Turns HTTP on 127.0.0.1 into events of API Gateway; takes the next free port when `port` is taken, any when 0. */
export async function startGateway({ port = 0, local }: { port?: number; local?: Local } = {}): Promise<Gateway> {
  let pool: Pool | undefined;
  const server = createServer({ maxHeaderSize: largestHeader, keepAliveTimeout: 75_000 }, (request, response) => {
    request.on("error", () => undefined); // a client that went away
    response.on("error", () => undefined);
    if (local?.(request, response)) return;
    void answer(request, pool).then((result) => send(request, response, result));
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    serve(next) {
      pool = next;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, Refused, say, toAnswer, toEvent, toUrlEvent } from "./gateway-event.js";
import { type Pool, Throttled } from "./pool.js";

export interface Gateway {
  readonly port: number;
  /** Requests go to this pool from now on; before, they are answered with 503. */
  serve(pool: Pool): void;
  stop(): Promise<void>;
}

/** The HTTP endpoint of a function: API Gateway or a function URL. */
interface Endpoint {
  /** Bytes. */
  readonly largestBody: number;
  /** Timeout of the function, milliseconds. */
  readonly patience: number;
  readonly event: typeof toEvent;
  /** Response header with the request's id. */
  readonly idHeader: string;
  /** Answers when no environment is free and when the function failed. */
  readonly throttled: Answer;
  readonly failed: Answer;
}
/** API Gateway takes larger payloads than Lambda, and waits 29 s; the URL of a function waits as long as it runs. */
const endpoints = {
  api: {
    largestBody: 10 * 1024 * 1024,
    patience: 29_000,
    event: toEvent,
    idHeader: "apigw-requestid",
    throttled: say(503, "Service Unavailable"),
    failed: say(500, "Internal Server Error"),
  },
  url: {
    largestBody: 6 * 1024 * 1024,
    patience: 900_000,
    event: toUrlEvent,
    idHeader: "x-amzn-requestid",
    throttled: say(429, "Rate exceeded"),
    failed: say(502, "Internal Server Error"),
  },
} as const satisfies Record<string, Endpoint>;

/** Bytes; Lambda's limit of a synchronous event. */
const largestEvent = 6 * 1024 * 1024;
/** Bytes; API Gateway's limit of request line and headers. */
const largestHeader = 10_240;

/** Reads the body; an oversized one is read to its end and dropped, so that the client receives the answer. */
async function read(request: IncomingMessage, { largestBody }: Endpoint): Promise<Buffer> {
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

async function answer(request: IncomingMessage, pool: Pool | undefined, endpoint: Endpoint): Promise<Answer> {
  try {
    const event = endpoint.event(request, await read(request, endpoint));
    if (Buffer.byteLength(event.body ?? "") > largestEvent) throw new Refused(413, "Request Entity Too Large");
    if (!pool) return say(503, "Service Unavailable");
    const result = toAnswer(await pool.invoke(event, { waitMs: endpoint.patience }));
    return { ...result, headers: { ...result.headers, [endpoint.idHeader]: event.requestContext.requestId } };
  } catch (error) {
    if (error instanceof Refused) return say(error.status, error.message);
    return error instanceof Throttled ? endpoint.throttled : endpoint.failed; // the error is in the function's log
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

async function listen(server: Server, { port = 0, host = "127.0.0.1", exact = false }: GatewayOptions): Promise<void> {
  for (let candidate = port; ; candidate = candidate > 0 && candidate < port + 20 ? candidate + 1 : 0) {
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once("error", resolve);
      server.listen(candidate, host, () => {
        server.off("error", resolve);
        resolve(undefined);
      });
    });
    if (!failure) return;
    const isTaken = failure.code === "EADDRINUSE";
    if (isTaken && exact) throw new Error(`Port ${port} is in use; PORT chooses another one.`);
    if (!isTaken && (exact || candidate === 0)) throw failure;
  }
}

/** The paths of this machine; `/` for a browser only, since it is the API's for others. */
const isLocal = ({ url = "", headers }: IncomingMessage) =>
  /^\/_local(?:[/?]|$)/.test(url) || (/^\/(?:\?|$)/.test(url) && (headers.accept ?? "").includes("text/html"));

interface GatewayOptions {
  /** The next free one when it is taken, any when 0. */
  readonly port?: number;
  /** 127.0.0.1 when left out. */
  readonly host?: string;
  /** No other port than this one. */
  readonly exact?: boolean;
  /** `url`: the URL of one function. */
  readonly endpoint?: keyof typeof endpoints;
  /** Serves the paths below `/_local`, and `/` for browsers. */
  readonly local?: RequestListener;
}

/** Turns HTTP into events of API Gateway, or of a function's own URL. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { endpoint = "api", local } = options;
  let pool: Pool | undefined;
  const server = createServer({ maxHeaderSize: largestHeader, keepAliveTimeout: 75_000 }, (request, response) => {
    request.on("error", () => undefined); // a client that went away
    response.on("error", () => undefined);
    if (local && isLocal(request)) return void local(request, response);
    void answer(request, pool, endpoints[endpoint]).then((result) => send(request, response, result));
  });
  await listen(server, options);
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

import { type Dispatcher, Pool } from "undici";

// biome-ignore lint/suspicious/noExplicitAny: bodies of three systems; each operation checks what it needs
type Body = any;

interface Ask {
  readonly path: string;
  /** GET, or POST with a body. */
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Reads the headers of the answer. */
  onHeaders?(headers: Dispatcher.ResponseData["headers"]): void;
}

/** Sends a request. @throws when it is refused */
export type Http = (ask: Ask) => Promise<Body>;

/** Milliseconds; the slowest checkout under load takes seconds. */
const PATIENCE = 120_000;

/** A client of so many connections, one request at a time on each. */
export function openClient(origin: string, connections: number): { http: Http; close(): Promise<void> } {
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: PATIENCE, bodyTimeout: PATIENCE });
  return {
    async http({ path, body, method = body === undefined ? "GET" : "POST", headers = {}, onHeaders }) {
      const type = body === undefined ? {} : { "content-type": "application/json", body: JSON.stringify(body) };
      const { body: text, ...content } = { body: undefined, ...type };
      const answer = await pool.request({ method, path, headers: { ...headers, ...content }, body: text ?? null });
      const received = await answer.body.text();
      if (answer.statusCode >= 400) throw new Error(`${path} → ${answer.statusCode} ${received.slice(0, 200)}`);
      onHeaders?.(answer.headers);
      return JSON.parse(received);
    },
    close: () => pool.close(),
  };
}

/** @throws when an answer is not what a client needs */
export function check(met: boolean): void {
  if (!met) throw new Error("The answer is not what a client needs.");
}

import { neon, neonConfig, Pool, type PoolClient } from "@neondatabase/serverless";
import { NeonHttpDriver } from "drizzle-orm/neon-http";
import { PgDialect } from "drizzle-orm/pg-core";
import WebSocket from "ws";

/** The address of the database; set once, before the first query. */
export interface Endpoint {
  /** Pooled connection string of the role. */
  url: string;
  /** `host:port` of a bridge that speaks Neon's protocols without TLS; none on Neon itself. */
  proxy?: string | undefined;
}

/** The role's `statement_timeout` is 5 s, so a longer silence means that the connection is lost. Milliseconds. */
const QUERY_TIMEOUT = 10_000;

/** A socket that idled longer than this may be dead (Lambda freezes an environment between requests). Milliseconds. */
const STALE_AFTER = 30_000;

/** One connection per execution environment, which serves one request at a time. */
export class Client {
  readonly http: ReturnType<typeof neon<true, true>>;
  readonly #pool: Pool;
  readonly #usedAt = new WeakMap<PoolClient, number>();

  constructor({ url, proxy }: Endpoint) {
    configureDriver(proxy);
    this.http = neon(url, { arrayMode: true, fullResults: true });
    new NeonHttpDriver(this.http, new PgDialect()); // timestamps stay text, with their microseconds
    this.#pool = new Pool({
      connectionString: url,
      max: 1,
      idleTimeoutMillis: STALE_AFTER,
      connectionTimeoutMillis: 5_000,
      query_timeout: QUERY_TIMEOUT,
      allowExitOnIdle: true,
    });
    // Without listeners, a connection that the server closes (suspend, failover) ends the process: the pool listens
    // while it is idle, the client while it is in use. The next query on it fails with the reason.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client: PoolClient) => client.on("error", () => undefined));
  }

  /** A connection that is fresh enough to trust. */
  async connect(): Promise<PoolClient> {
    const client = await this.#pool.connect();
    const usedAt = this.#usedAt.get(client);
    if (usedAt === undefined || Date.now() - usedAt < STALE_AFTER) return client;
    client.release(true);
    return this.#pool.connect();
  }

  /** Gives a connection back; a broken one is closed. */
  release(client: PoolClient, broken: boolean): void {
    this.#usedAt.set(client, Date.now());
    client.release(broken);
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** Directs the driver to a bridge that speaks Neon's protocols; without a proxy, to Neon itself. */
export function configureDriver(proxy: string | undefined): void {
  neonConfig.webSocketConstructor = WebSocket; // Node's own rejects with an event, which does not carry the reason
  neonConfig.fetchFunction = (url: string, init: RequestInit) =>
    fetch(url, { ...init, signal: AbortSignal.timeout(QUERY_TIMEOUT) });
  neonConfig.coalesceWrites = false; // it waits for a turn of the event loop: 1 ms for each statement
  if (!proxy) return;
  neonConfig.wsProxy = () => `${proxy}/v2`;
  neonConfig.fetchEndpoint = () => `http://${proxy}/sql`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineConnect = false;
  neonConfig.pipelineTLS = false;
}

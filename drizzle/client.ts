import { neonConfig, Pool, type PoolClient } from "@neondatabase/serverless";
import WebSocket from "ws";
import { Connection } from "./connection.js";
import { isConnectionError } from "./fault.js";

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

interface Held {
  readonly connection: Connection;
  /** Milliseconds; none before the first use. */
  readonly usedAt?: number;
}

/** One connection per execution environment, which serves one request at a time. */
export class Client {
  readonly #pool: Pool;
  readonly #held = new WeakMap<PoolClient, Held>();

  constructor({ url, proxy }: Endpoint) {
    configureDriver(proxy);
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

  /**
   * Runs statements that are one message, and may be sent again. A connection that turns out to be dead, as its socket
   * may be when the environment was frozen, or that has lost its statements, is replaced once.
   */
  async query<T>(run: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const connection = await this.connect();
      try {
        const result = await run(connection);
        this.release(connection, false);
        return result;
      } catch (error) {
        const broken = isConnectionError(error);
        this.release(connection, broken);
        if (attempt === 2 || !(broken || connection.lost)) throw error;
      }
    }
  }

  /** A connection that is fresh enough to trust. */
  async connect(): Promise<Connection> {
    const { connection, usedAt } = this.#hold(await this.#pool.connect());
    connection.changeHands();
    if (usedAt === undefined || Date.now() - usedAt < STALE_AFTER) return connection;
    this.release(connection, true);
    return this.#hold(await this.#pool.connect()).connection;
  }

  #hold(client: PoolClient): Held {
    const held = this.#held.get(client) ?? { connection: new Connection(client) };
    this.#held.set(client, held);
    return held;
  }

  /** Gives a connection back; one that is broken, or has lost statements, is closed. */
  release(connection: Connection, broken: boolean): void {
    const { client } = connection;
    connection.changeHands();
    this.#held.set(client, { connection, usedAt: Date.now() });
    client.release(broken || connection.lost !== undefined);
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** Directs the driver to a bridge that speaks Neon's protocols; without a proxy, to Neon itself. */
export function configureDriver(proxy: string | undefined): void {
  neonConfig.webSocketConstructor = WebSocket; // Node's own rejects with an event, which does not carry the reason
  neonConfig.coalesceWrites = false; // it waits for a turn of the event loop: 1 ms for each message
  if (!proxy) return;
  neonConfig.wsProxy = () => `${proxy}/v2`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineConnect = false;
  neonConfig.pipelineTLS = false;
}

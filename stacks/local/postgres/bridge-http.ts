import type { IncomingHttpHeaders } from "node:http";
import pg from "pg";
import { z } from "zod";

/** Neon's HTTP protocol at /sql. Values stay text: the driver parses them. */
export interface SqlEndpoint {
  run(headers: IncomingHttpHeaders, body: string, count: (statements: number) => void): Promise<Answer>;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const query = z.object({
  query: z.string(),
  params: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).default([]),
});
const payload = z.union([z.object({ queries: z.array(query) }), query]);
type Query = z.infer<typeof query>;

const isolation = new Map([
  ["ReadUncommitted", "read uncommitted"],
  ["ReadCommitted", "read committed"],
  ["RepeatableRead", "repeatable read"],
  ["Serializable", "serializable"],
]);
const errorFields = [
  ...[
    "severity",
    "code",
    "detail",
    "hint",
    "position",
    "internalPosition",
    "internalQuery",
    "where",
    "schema",
    "table",
  ],
  ...["column", "dataType", "constraint", "file", "line", "routine"],
] as const;
/** Commands that change a session; it is closed afterwards instead of pooled. */
const unsharable = new Set(["SET", "RESET", "LISTEN", "PREPARE", "DECLARE", "LOAD"]);
const asText = { getTypeParser: () => (value: string) => value };

// Together below PostgreSQL's 200 connections, and room is left for the WebSockets.
const maxPools = 6;
const maxSessions = 20;

export function createSqlEndpoint(postgresPort: number): SqlEndpoint {
  const pools = new Map<string, pg.Pool>();
  return {
    async run(headers, body, count) {
      if (headers["neon-raw-text-output"] !== "true") return refuse("Only Neon-Raw-Text-Output: true is spoken here.");
      const input = payload.safeParse(parseJson(body));
      if (!input.success) return refuse("The body is neither a query nor a list of queries.");
      const connection = String(headers["neon-connection-string"]).replace(/^postgres(ql)?:/, "http:");
      if (!URL.canParse(connection)) return refuse("Neon-Connection-String is not a connection string.");
      const begin = beginWith(headers);
      if (!begin) return refuse("Unknown Neon-Batch-Isolation-Level.");
      const rows = headers["neon-array-mode"] === "true" ? "array" : undefined;
      const queries = "queries" in input.data ? input.data.queries : [input.data];
      count(queries.length);
      try {
        const pool = poolFor(pools, connection, postgresPort);
        if ("queries" in input.data)
          return { status: 200, body: { results: await runAll(pool, queries, rows, begin) } };
        const [result] = await runAll(pool, queries, rows);
        return { status: 200, body: result };
      } catch (error) {
        return failed(error);
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

/** The pool of a connection string; the least recently used pool is closed above the limit. */
function poolFor(pools: Map<string, pg.Pool>, connection: string, port: number): pg.Pool {
  const pool = pools.get(connection) ?? createPool(connection, port);
  pools.delete(connection);
  pools.set(connection, pool);
  for (const [oldest, idle] of pools) {
    if (pools.size <= maxPools) break;
    pools.delete(oldest);
    void idle.end();
  }
  return pool;
}

function createPool(connection: string, port: number): pg.Pool {
  const url = new URL(connection);
  const pool = new pg.Pool({
    host: "127.0.0.1",
    port,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    application_name: url.searchParams.get("application_name") ?? "neon-http",
    max: maxSessions,
    idleTimeoutMillis: 10_000,
    connectionTimeoutMillis: 15_000,
    // A batch leaves as one write: PostgreSQL skips what follows an error until the COMMIT, which then rolls back.
    pipeline: true,
  });
  // A lost session fails its queries; without listeners it would end the process too, in use (client) or not (pool).
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("error", () => undefined);
  return pool;
}

/** Runs the queries as one transaction, or a single query without `begin`. */
async function runAll(pool: pg.Pool, queries: Query[], rows: "array" | undefined, begin?: string): Promise<unknown[]> {
  const client = await pool.connect();
  let shared = false;
  try {
    client.connection.stream.cork();
    const opened = begin ? client.query(begin) : undefined;
    const sent = queries.map(({ query: text, params: values }) =>
      client.query<unknown[]>({
        text,
        values,
        types: asText,
        // The extended protocol refuses a second statement behind a semicolon, as Neon does.
        queryMode: "extended",
        ...(rows && { rowMode: rows }),
      } as pg.QueryArrayConfig),
    );
    const closed = begin ? client.query("commit") : undefined;
    client.connection.stream.uncork();
    const done = await Promise.allSettled([opened, ...sent, closed]);
    const failure = done.find((result) => result.status === "rejected");
    const results = await Promise.all(failure ? [] : sent);
    shared = client.getTransactionStatus() === "I" && !results.some(({ command }) => unsharable.has(command));
    if (failure) throw failure.reason;
    return results.map(({ fields, command, rowCount, rows }) => ({ fields, command, rowCount, rows }));
  } finally {
    client.release(!shared);
  }
}

function beginWith(headers: IncomingHttpHeaders): string | undefined {
  const level = headers["neon-batch-isolation-level"];
  const name = isolation.get(String(level));
  if (level !== undefined && !name) return undefined;
  const readOnly = headers["neon-batch-read-only"];
  const deferrable = headers["neon-batch-deferrable"];
  return [
    "begin",
    name && `isolation level ${name}`,
    readOnly !== undefined && (readOnly === "true" ? "read only" : "read write"),
    deferrable !== undefined && (deferrable === "true" ? "deferrable" : "not deferrable"),
  ]
    .filter(Boolean)
    .join(" ");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(message: string): Answer {
  return { status: 400, body: { message } };
}

function failed(error: unknown): Answer {
  if (error instanceof pg.DatabaseError) {
    const fields = Object.fromEntries(errorFields.map((field) => [field, error[field]]));
    return { status: 400, body: { message: error.message, ...fields } };
  }
  return { status: 503, body: { message: error instanceof Error ? error.message : "The database does not answer." } };
}

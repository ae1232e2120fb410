import { createHash } from "node:crypto";
import { Client } from "@neondatabase/serverless";
import { Hono } from "hono";
import { handle } from "hono/aws-lambda";
import { serialize } from "pg-protocol";
import { configureDriver } from "../../drizzle/client.js";
import type { Statement } from "./recorder.js";

/**
 * The least that a handler can do for a read: the same statements, prepared and named on a session that is held, as one
 * message with one Sync behind a bare Hono, and the rows as JSON. Gateway, environment, driver's socket and bridge are
 * those of the system, so what the system adds to this is what the bench measures.
 */
const { DATABASE_URL = "", NEON_PROXY, STATEMENTS = "{}" } = process.env;

/** The part of the driver's connection that a flush uses. */
interface Connection {
  readonly stream: { write(bytes: Buffer): unknown };
}
type Row = readonly (string | null)[];

const parsed = new Set<string>();
const toText = (value: unknown) => (value === null ? null : String(value));
const nameOf = (text: string) => createHash("sha1").update(text).digest("base64url");

/** Statements as one message. The driver's client takes it as a query of its own kind. */
class Flush {
  readonly results: Row[][] = [[]];
  #error: Error | undefined;

  constructor(
    readonly statements: readonly (Statement & { name: string })[],
    readonly callback: (error: Error | undefined, results: Row[][]) => void,
  ) {}

  submit({ stream }: Connection): void {
    const messages = this.statements.flatMap(({ name, query, params }) => {
      const known = parsed.has(name);
      parsed.add(name);
      return [
        ...(known ? [] : [serialize.parse({ name, text: query })]),
        serialize.bind({ statement: name, values: [...params] }),
        serialize.execute(),
      ];
    });
    stream.write(Buffer.concat([...messages, serialize.sync()]));
  }

  handleDataRow({ fields }: { fields: Row }): void {
    this.results.at(-1)?.push(fields);
  }

  handleCommandComplete(): void {
    this.results.push([]);
  }

  handleError(error: Error): void {
    this.#error = error;
  }

  handleReadyForQuery(): void {
    this.callback(this.#error, this.results.slice(0, -1));
  }
}

configureDriver(NEON_PROXY);
const client = new Client(DATABASE_URL);
const connected = client.connect();

const app = new Hono();
for (const [path, recorded] of Object.entries<Statement[]>(JSON.parse(STATEMENTS))) {
  const statements = recorded.map(({ query, params }) => ({ query, name: nameOf(query), params: params.map(toText) }));
  app.get(path, async (c) => {
    await connected;
    const results = await new Promise<Row[][]>((resolve, reject) => {
      const flush = new Flush(statements, (error, rows) => (error ? reject(error) : resolve(rows)));
      (client as unknown as { query(flush: Flush): void }).query(flush);
    });
    return c.json(results);
  });
}

export const handler = handle(app);

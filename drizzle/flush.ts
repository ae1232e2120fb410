import { types } from "@neondatabase/serverless";
import { makePgArray } from "drizzle-orm/pg-core";
import { serialize } from "pg-protocol";

/** One statement of the extended protocol, with its parameters as `$1`, `$2`, … */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Rows are arrays of values in the order of the columns, or objects by column name. */
  readonly rowMode?: "array" | "object";
}

export interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** What the database answered to one statement. */
export interface Answer {
  readonly fields: readonly Field[];
  readonly rows: Record<string, unknown>[] | unknown[][];
  /** The first word of the command tag, such as `SELECT` or `ROLLBACK`. */
  readonly command: string;
  readonly rowCount: number | null;
}

/** A statement that the server keeps under a name, for as long as the connection lives. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
  /** Whether the server has parsed it. */
  parsed: boolean;
  /** Its columns, once the server has described them. */
  fields?: readonly Field[];
  parsers?: readonly ((text: string) => unknown)[];
}

/** The part of the driver's connection that a flush uses. */
export interface Wire {
  readonly stream: { write(bytes: Buffer): unknown };
}

const { builtins } = types;
/** Instants and dates stay text, because a Date has no microseconds: with time zone, without, dates, and their arrays. */
const AS_TEXT: readonly (number | undefined)[] = [
  ...[builtins.TIMESTAMPTZ, builtins.TIMESTAMP, builtins.DATE, builtins.INTERVAL],
  ...[1185, 1115, 1182, 1187, 1231],
];
const asText = (text: string) => text;
const parserOf = ({ dataTypeID }: Field): ((text: string) => unknown) =>
  AS_TEXT.includes(dataTypeID) ? asText : types.getTypeParser(dataTypeID as never, "text");

/** A parameter in the text format of its type; the columns of drizzle have encoded theirs already. */
function toText(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return makePgArray(value);
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A statement as it stands in a flush, and what has been received for it. */
interface Sent {
  readonly statement: Statement;
  readonly prepared: Prepared;
  readonly rows: unknown[];
  command: string;
}

/**
 * Several statements as one message: Parse where the server does not know the statement yet, Bind and Execute for each,
 * and one Sync. Outside of a transaction they are one implicit transaction (PostgreSQL manual, 54.2.4 Pipelining); each
 * has a snapshot of its own (READ COMMITTED). The server skips all that follows a statement that fails.
 *
 * The driver's client takes it as a query of its own kind, by `submit` and the `handle…` functions.
 */
export class Flush {
  readonly #sent: Sent[];
  /** Statements whose Parse is under way, in order. */
  readonly #parsing: Prepared[] = [];
  readonly #closing: readonly string[];
  #current = 0;
  #failed = false;

  /**
   * @param closing names of prepared statements that the server forgets
   * @param callback gets the error or the answers, once; the driver puts its timeout around it
   */
  constructor(
    statements: readonly (readonly [Statement, Prepared])[],
    closing: readonly string[],
    public callback: (error: Error | null, answers?: Answer[]) => void,
    readonly query_timeout: number | undefined,
  ) {
    this.#sent = statements.map(([statement, prepared]) => ({ statement, prepared, rows: [], command: "" }));
    this.#closing = closing;
  }

  submit(wire: Wire): Error | null {
    try {
      wire.stream.write(this.#encode());
      return null;
    } catch (error) {
      return error as Error;
    }
  }

  #encode(): Buffer {
    const parts = this.#closing.map((name) => serialize.close({ type: "S", name }));
    const begun = new Set<Prepared>();
    for (const { statement, prepared } of this.#sent) {
      const { name, text } = prepared;
      if (!prepared.parsed && !begun.has(prepared)) {
        parts.push(serialize.parse({ name, text }));
        this.#parsing.push(prepared);
      }
      if (!prepared.fields && !begun.has(prepared)) parts.push(serialize.describe({ type: "S", name }));
      begun.add(prepared);
      parts.push(serialize.bind({ statement: name, values: [...statement.values], valueMapper: toText }));
      parts.push(serialize.execute());
    }
    parts.push(serialize.sync());
    return Buffer.concat(parts);
  }

  handleParseComplete(): void {
    const prepared = this.#parsing.shift();
    if (prepared) prepared.parsed = true;
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    const prepared = this.#sent[this.#current]?.prepared;
    if (!prepared) return;
    prepared.fields = fields;
    prepared.parsers = fields.map(parserOf);
  }

  handleDataRow({ fields: values }: { fields: readonly (string | null)[] }): void {
    const sent = this.#sent[this.#current];
    if (!sent) return;
    const { fields = [], parsers = [] } = sent.prepared;
    const row = values.map((value, index) => (value === null ? null : (parsers[index] ?? asText)(value)));
    const asObject = () => Object.fromEntries(fields.map(({ name }, index) => [name, row[index]]));
    sent.rows.push(sent.statement.rowMode === "array" ? row : asObject());
  }

  handleCommandComplete({ text }: { text: string }): void {
    const sent = this.#sent[this.#current];
    if (sent) {
      sent.command = text;
      sent.prepared.fields ??= []; // NoData: the statement returns no rows
    }
    this.#current += 1;
  }

  handleEmptyQuery(): void {
    this.#current += 1;
  }

  handlePortalSuspended(): void {
    this.handleError(new Error("A portal was suspended, although each is executed to its end."));
  }

  handleError(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.callback(error);
  }

  handleReadyForQuery(): void {
    if (this.#failed) return;
    this.callback(
      null,
      this.#sent.map(({ prepared: { fields = [] }, rows, command }) => ({
        fields,
        rows: rows as Answer["rows"],
        command: command.split(" ", 1)[0] ?? "",
        rowCount: /\d+$/.test(command) ? Number(/\d+$/.exec(command)?.[0]) : null,
      })),
    );
  }
}

import { createHash } from "node:crypto";
import type { PoolClient } from "@neondatabase/serverless";
import { isLostStatement } from "./fault.js";
import { type Answer, Flush, type Prepared, type Statement } from "./flush.js";

/**
 * Prepared statements that a connection keeps at most; the one that was not used for longest is forgotten. Each takes
 * some tens of kilobytes of the server's memory; a pooler at Neon keeps 1,000.
 */
const MOST_PREPARED = 500;

/** One statement that waits for the next message. A deferred statement has no `settle`, because its caller does not wait. */
interface Waiting {
  readonly statement: Statement;
  readonly settle?: { resolve(answer: Answer): void; reject(error: unknown): void };
}

/** The driver's client; its type leaves these out. */
interface Driver {
  readonly activeQuery: unknown;
  readonly connection: { on(event: "parseComplete", listener: () => void): unknown };
  query(flush: Flush): unknown;
}

/**
 * How often a name turned out to be useless in this process. It is a part of each text, so that after a loss nothing
 * refers to what was prepared before, neither here nor at a pooler, which recognizes statements by their text.
 */
let generation = 0;

/**
 * The statements of one connection: each is prepared once, named by its text, and statements that are asked for in the
 * same turn of the event loop travel together, in the order in which they were asked for.
 */
export class Connection {
  readonly #client: Driver;
  readonly #prepared = new Map<string, Prepared>();
  #waiting: Waiting[] = [];
  #isScheduled = false;
  /** Counts the borrowers, so that one that has given the connection back can be told from the next. */
  borrowing = 0;
  /** The error that told that the server has lost a statement, or its plan. The connection is not used again. */
  lost: unknown;

  constructor(readonly client: PoolClient) {
    this.#client = client as unknown as Driver;
    this.#client.connection.on("parseComplete", () => {
      const { activeQuery } = this.#client;
      if (activeQuery instanceof Flush) activeQuery.handleParseComplete();
    });
  }

  /** Sends a statement with all that is asked for in this turn. */
  query(statement: Statement): Promise<Answer> {
    const answer = this.#enqueue(statement);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(() => this.#send()); // runs when no promise is left to continue: all that is ready has asked
    }
    return answer;
  }

  /**
   * Sends statements as one message at once.
   * @param timeout milliseconds, instead of those of the connection
   */
  send(statements: readonly Statement[], timeout?: number): Promise<Answer[]> {
    const answers = statements.map((statement) => this.#enqueue(statement));
    this.#send(timeout);
    return Promise.all(answers);
  }

  /** Keeps a statement for the next message. When it fails, the statements of that message fail with its error. */
  defer(statement: Statement): void {
    this.#waiting.push({ statement });
  }

  /** Separates one borrower from the next: what the one has left behind is not sent in the work of the other. */
  changeHands(): void {
    this.borrowing += 1;
    this.drop();
  }

  /** Whether the statement still waits for its message. */
  isWaiting(statement: Statement): boolean {
    return this.#waiting.some((waiting) => waiting.statement === statement);
  }

  /** Drops what waits, from this statement on, or all. */
  drop(from?: Statement): void {
    const index = from ? this.#waiting.findIndex(({ statement }) => statement === from) : 0;
    if (index >= 0) this.#waiting.length = index;
  }

  #enqueue(statement: Statement): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statement, settle: { resolve, reject } });
    });
  }

  #send(timeout?: number): void {
    this.#isScheduled = false;
    const sent = this.#waiting;
    if (sent.length === 0) return;
    this.#waiting = [];
    const pairs = sent.map(({ statement }) => [statement, this.#prepare(statement.text)] as const);
    const done = (error: unknown, answers: readonly Answer[] = []) => {
      if (isLostStatement(error)) this.#lose(error);
      sent.forEach(({ settle }, index) => {
        const answer = answers[index];
        if (answer) settle?.resolve(answer);
        else settle?.reject(error ?? new Error("The driver gave no answer."));
      });
    };
    this.#client.query(new Flush(pairs, this.#forgetOldest(), done, timeout));
  }

  #prepare(text: string): Prepared {
    const known = this.#prepared.get(text) ?? prepare(text);
    this.#prepared.delete(text);
    this.#prepared.set(text, known); // the last one is the one that was used last
    return known;
  }

  /** @returns the names that the server may forget */
  #forgetOldest(): string[] {
    const closing: string[] = [];
    for (const [text, { name, parsed }] of this.#prepared) {
      if (this.#prepared.size <= MOST_PREPARED) break;
      this.#prepared.delete(text);
      if (parsed) closing.push(name);
    }
    return closing;
  }

  #lose(error: unknown): void {
    if (!this.lost) generation += 1;
    this.lost = error;
  }
}

function prepare(text: string): Prepared {
  const versioned = generation === 0 ? text : `${text} /* ${generation} */`;
  const name = createHash("sha1").update(versioned).digest("base64url");
  return { name, text: versioned, parsed: false };
}

import type { Placeholder, SQL } from "drizzle-orm";
import { NeonHttpDatabase, NeonHttpSession } from "drizzle-orm/neon-http";
import type { NeonTransaction } from "drizzle-orm/neon-serverless";
import type { Connection } from "./connection.js";
import { TenantDialect } from "./dialect.js";
import type { Answer } from "./flush.js";
import { typeIdToUuid } from "./typeid.js";

type Schema = Record<string, never>;

/** The builder of a read: it makes queries, and the tenant's connection executes them. */
export type Reader = Pick<
  NeonTransaction<Schema, Schema>,
  "select" | "selectDistinct" | "selectDistinctOn" | "with" | "$with" | "execute" | "insert"
>;

/** A query that is built and not yet executed. */
export interface Unexecuted<Row = unknown> extends PromiseLike<Row> {
  getSQL(): SQL;
}
export type Results<Queries extends readonly Unexecuted[]> = { -readonly [I in keyof Queries]: Awaited<Queries[I]> };

/** The text of a query, and how its rows become the builder's result. */
export interface BuiltQuery {
  getQuery(): { sql: string; params: unknown[] };
  isResponseInArrayMode(): boolean;
  mapResult(answer: unknown): unknown;
}

const refuseExecution = (): never => {
  throw new Error("A query of a reader is sent by read(), not awaited.");
};

/** Builds the queries of one tenant. Only drizzle's session for HTTP maps rows apart from executing, so it is that one. */
export class TenantReader extends NeonHttpDatabase<Schema> {
  readonly tenantUuid: string | undefined;

  /** @param tenantId TypeID, or a placeholder in a query that is built for all tenants */
  constructor(readonly tenantId: string | Placeholder) {
    const dialect = new TenantDialect(tenantId);
    super(dialect, new NeonHttpSession(refuseExecution as never, dialect, undefined), undefined);
    this.tenantUuid = typeof tenantId === "string" ? typeIdToUuid("ten", tenantId) : undefined;
  }
}

const build = (query: Unexecuted): BuiltQuery => (query as unknown as { _prepare(): BuiltQuery })._prepare();

/** Built queries as statements, and what turns their answers into the builders' results. */
export function toStatements(queries: readonly Unexecuted[]) {
  const built = queries.map(build);
  const statements = built.map((query) => {
    const { sql, params } = query.getQuery();
    return { text: sql, values: params, rowMode: query.isResponseInArrayMode() ? "array" : "object" } as const;
  });
  const mapAnswers = (answers: readonly Answer[]): unknown[] =>
    built.map((query, index) => query.mapResult(answers[index]));
  return { statements, mapAnswers };
}

/** Sends built queries as one message. */
export async function sendQueries(connection: Connection, queries: readonly Unexecuted[]): Promise<unknown[]> {
  const { statements, mapAnswers } = toStatements(queries);
  return mapAnswers(await connection.send(statements));
}

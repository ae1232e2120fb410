import type { Placeholder, SQL } from "drizzle-orm";
import { NeonHttpDatabase, NeonHttpSession } from "drizzle-orm/neon-http";
import type { NeonTransaction } from "drizzle-orm/neon-serverless";
import type { Client } from "./client.js";
import { TenantDialect } from "./dialect.js";
import { typeIdToUuid } from "./typeid.js";

type Schema = Record<string, never>;

/** The builder of a read: it makes queries, and the tenant connection executes them. */
export type Reader = Pick<
  NeonTransaction<Schema, Schema>,
  "select" | "selectDistinct" | "selectDistinctOn" | "with" | "$with" | "execute" | "insert"
>;

/** A query that is built and not yet executed. */
export interface Unexecuted<Row = unknown> extends PromiseLike<Row> {
  getSQL(): SQL;
}
export type Results<Queries extends readonly Unexecuted[]> = { -readonly [I in keyof Queries]: Awaited<Queries[I]> };

/** Builds the queries of a batch for one tenant. */
export class TenantReader extends NeonHttpDatabase<Schema> {
  readonly tenantUuid: string | undefined;

  constructor(
    readonly client: Client,
    /** TypeID, or a placeholder in a query that is built for all tenants. */
    tenantId: string | Placeholder,
  ) {
    const dialect = new TenantDialect(tenantId);
    super(dialect, new NeonHttpSession(client.http, dialect, undefined), undefined);
    this.tenantUuid = typeof tenantId === "string" ? typeIdToUuid("ten", tenantId) : undefined;
  }
}

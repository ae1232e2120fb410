import { neon } from "@neondatabase/serverless";
import { Hono } from "hono";
import { handle } from "hono/aws-lambda";
import { configureDriver } from "../../drizzle/client.js";
import type { Statement } from "./recorder.js";

/**
 * The least that a handler can do for a read: the same statements on the same driver, and the rows as JSON. What the
 * system adds to it is what the bench measures.
 */
const { DATABASE_URL = "", NEON_PROXY, STATEMENTS = "{}" } = process.env;
const routes: Record<string, Statement[]> = JSON.parse(STATEMENTS);

configureDriver(NEON_PROXY);
const sql = neon(DATABASE_URL, { arrayMode: true, fullResults: true });

const app = new Hono();
for (const [path, statements] of Object.entries(routes))
  app.get(path, async (c) => {
    const results = await sql.transaction(statements.map(({ query, params }) => sql.query(query, params)));
    return c.json(results.map(({ rows }) => rows));
  });

export const handler = handle(app);

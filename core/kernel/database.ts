import { Client } from "../../drizzle/client.js";
import { isConnectionError, isContention, isTimeout } from "../../drizzle/fault.js";
import journal from "../../drizzle/migrations/meta/_journal.json" with { type: "json" };
import { checkRole, RoleError } from "../../drizzle/role.js";
import { config } from "./config.js";
import { Failure } from "./error.js";

let checked: Promise<Client> | undefined;
/**
 * The client of the tenants' data, after a check that row-level security applies to its role.
 * @throws RoleError when the role can bypass it
 */
function database(): Promise<Client> {
  checked ??= (async () => {
    const client = new Client({ url: config.DATABASE_URL, proxy: config.NEON_PROXY });
    await checkRole(client);
    return client;
  })();
  checked.catch(() => {
    checked = undefined;
  });
  return checked;
}

/**
 * Opens the connection while the environment starts, so that the first request does not wait for it. A failure is told by
 * the request that needs it.
 */
export const openConnection = (): void => void database().catch(() => undefined);

/**
 * Runs `run` with the client; a fault of the database becomes a failure that tells the caller to retry.
 * @throws Failure unavailable
 */
export async function translateFaults<T>(run: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await run(await database());
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (isContention(error) || isTimeout(error)) {
      throw new Failure(
        "unavailable",
        "database_busy",
        "Too many requests changed the same rows. Nothing was written; retry after `Retry-After` seconds.",
        {
          retryAfter: 1,
        },
      );
    }
    if (!isConnectionError(error)) throw error;
    throw new Failure(
      "unavailable",
      "database_unavailable",
      "The database cannot be reached. Retry after `Retry-After` seconds.",
      { retryAfter: 2 },
    );
  }
}

/** The database's part of `/ready`: the database answers, its role is safe, its migrations are those of this code. */
export async function checkReadiness(): Promise<Record<"database" | "role" | "migrations", string>> {
  try {
    const client = await database();
    const applied = await countMigrations(client);
    const migrations = applied >= journal.entries.length ? "ok" : `${applied} of ${journal.entries.length}`;
    return { database: "ok", role: "ok", migrations };
  } catch (error) {
    const unsafe = error instanceof RoleError;
    return { database: unsafe ? "ok" : "unreachable", role: unsafe ? "unsafe" : "unknown", migrations: "unknown" };
  }
}

async function countMigrations(client: Client): Promise<number> {
  const text = "select count(*)::int as applied from drizzle.__drizzle_migrations";
  const [answer] = await client.query((connection) => connection.send([{ text, values: [] }]));
  return Number((answer?.rows[0] as { applied: number } | undefined)?.applied);
}

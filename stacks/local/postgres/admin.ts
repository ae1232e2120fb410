import { Client, Pool } from "pg";

export interface Backlog {
  /** Events that wait for the relay; seconds since the oldest of them. */
  readonly events: number;
  readonly oldestSeconds: number;
  /** Events that the relay gave up. */
  readonly dead: number;
  /** Jobs that are due and not finished, and those that failed for good. */
  readonly jobs: number;
  readonly failedJobs: number;
}

/** The superuser's access to the database, for the host's pages, the seed and tests. */
export interface Admin {
  readonly url: string;
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Counts of the outbox; zeros before the first migration. */
  backlog(): Promise<Backlog>;
  stop(): Promise<void>;
}

const nothing: Backlog = { events: 0, oldestSeconds: 0, dead: 0, jobs: 0, failedJobs: 0 };

/** Opens the database `name` of a server and creates it if needed. */
export async function openAdmin(serverUrl: string, name: string): Promise<Admin> {
  const server = new Client(serverUrl);
  await server.connect();
  const { rowCount } = await server.query("select from pg_database where datname = $1", [name]);
  if (rowCount === 0) await server.query(`create database ${server.escapeIdentifier(name)}`);
  await server.end();
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  const pool = new Pool({ connectionString: url, max: 4, allowExitOnIdle: true });
  pool.on("error", () => undefined); // tests cut connections
  const query = async (text: string, values: unknown[] = []) => (await pool.query(text, values)).rows;
  return {
    url,
    query,
    async backlog() {
      const [there] = await query(
        "select to_regclass('event') is not null and to_regclass('job') is not null as ready",
      );
      if (!there?.ready) return nothing;
      const [row] = await query(`
        select e.*, j.* from
          (select count(*) filter (where dead_at is null)::int as events, count(dead_at)::int as dead,
            coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)::float8
              as "oldestSeconds" from event where published_at is null) as e,
          (select count(*) filter (where status in ('queued', 'running') and due_at <= now())::int as jobs,
            count(*) filter (where status = 'failed')::int as "failedJobs" from job) as j`);
      return { ...nothing, ...row };
    },
    stop: () => pool.end(),
  };
}

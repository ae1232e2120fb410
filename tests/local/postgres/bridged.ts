import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neonConfig, Pool } from "@neondatabase/serverless";
import { beforeAll, beforeEach, onTestFinished } from "vitest";
import ws from "ws";
import { type Bridge, startBridge } from "../../../stacks/local/postgres/bridge.js";
import { startPostgres } from "../../../stacks/local/postgres/server.js";

const product = "create table product (id int primary key, name text constraint product_name_taken unique, data bytea)";

/** A database behind the bridge, spoken to by Neon's driver; it has an empty table `product` before each test. */
export function bridged() {
  const own = {} as { url: string; bridge: Bridge };
  let shared: Pool;

  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), "stoa-database-"));
    const postgres = await startPostgres({ dir, durable: false });
    const bridge = await startBridge({ postgresPort: postgres.port });
    Object.assign(own, { url: postgres.adminUrl, bridge });
    neonConfig.webSocketConstructor = ws;
    neonConfig.wsProxy = () => `127.0.0.1:${bridge.port}/v2`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineConnect = false;
    neonConfig.pipelineTLS = false;
    shared = new Pool({ connectionString: own.url, max: 1 });
    shared.on("error", () => undefined); // cut with the others
    await shared.query(product);
    return async () => {
      await shared.end();
      await bridge.stop();
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    };
  });

  beforeEach(async () => {
    await shared.query("delete from product");
    own.bridge.reset();
  });

  /** Sessions that end with the test. */
  function pool(max = 1, connectionString = own.url): Pool {
    const made = new Pool({ connectionString, max });
    onTestFinished(() => made.end());
    return made;
  }

  return { own, pool, sql: (text: string) => shared.query(text) };
}

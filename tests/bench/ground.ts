import { join } from "node:path";
import { build } from "esbuild";
import type { Host } from "../../stacks/local/host.js";
import { asSst, projectRoot } from "../../stacks/local/lambda/bundle.js";
import { startEnvironment } from "../../stacks/local/lambda/environment.js";
import { startGateway } from "../../stacks/local/lambda/gateway.js";
import { createPool, type Pool } from "../../stacks/local/lambda/pool.js";
import { functions } from "../../stacks/topology.js";
import { type Statement, startRecorder } from "./recorder.js";
import { type Scenario, scenarios } from "./scenario.js";
import type { Shop } from "./shop.js";

/** A pool behind a gateway, both as the system has them. */
export interface Served {
  readonly url: string;
  readonly pool: Pool;
  stop(): Promise<void>;
}

interface Code {
  readonly file: string;
  readonly root: string;
  readonly export: string;
}

/** Serves code in as many environments as the API has at most, with the API's environment and more. */
async function serve(host: Host, name: string, code: Code, env: Record<string, string>): Promise<Served> {
  const { memory, timeout } = functions.api;
  const start = () => startEnvironment({ function: name, ...code, memory, env: { ...host.env("api"), ...env } });
  const pool = createPool({ function: name, maximum: 16, timeoutMs: timeout * 1000, start });
  const gateway = await startGateway();
  gateway.serve(pool);
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    pool,
    stop: async () => void (await Promise.all([gateway.stop(), pool.stop()])),
  };
}

const reads: readonly Scenario[] = Object.values(scenarios).filter((scenario) => "read" in scenario);

/** Requests of each read: the first ones open a session, and some carry what is done once in a while. */
const REQUESTS = 6;

/** The exact statements that each read sends, by its path: those of the request that sent the fewest. */
async function record(host: Host, shop: Shop): Promise<Record<string, readonly Statement[]>> {
  const recorder = await startRecorder(host.bridge.port);
  const served = await serve(host, "api", host.bundles.api, { NEON_PROXY: `127.0.0.1:${recorder.port}` });
  const statements: Record<string, readonly Statement[]> = {};
  try {
    for (const { steps } of reads)
      for (const step of steps) {
        const { path, headers } = step.request(shop, {});
        const sent: (readonly Statement[])[] = [];
        for (let time = 0; time < REQUESTS; time += 1) {
          const { status } = await fetch(served.url + path, { headers });
          if (status !== 200) throw new Error(`${path} → ${status}`);
          sent.push(recorder.take());
        }
        const [fewest = []] = sent.filter(({ length }) => length > 0).sort((a, b) => a.length - b.length);
        if (fewest.length === 0) throw new Error(`No statement of ${path} passed the recorder.`);
        statements[path.split("?")[0] ?? ""] = fewest;
      }
  } finally {
    await served.stop();
    recorder.stop();
  }
  return statements;
}

/** The floor: a bare handler that sends the same SQL in one flush, bundled, kept and reached as the API is. */
export async function layFloor(host: Host, shop: Shop): Promise<Served & { bytes: number }> {
  const statements = await record(host, shop);
  const root = join(projectRoot, ".stoa/build/floor");
  const { metafile } = await build({
    ...asSst,
    entryPoints: { floor: "tests/bench/floor.ts" },
    outdir: root,
    metafile: true,
  });
  const bytes = Object.values(metafile.outputs)[0]?.bytes ?? 0;
  const code = { root, file: join(root, "floor.mjs"), export: "handler" };
  return { ...(await serve(host, "floor", code, { STATEMENTS: JSON.stringify(statements) })), bytes };
}

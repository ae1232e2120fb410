import { join } from "node:path";
import { type Daemon, startDaemon, stopDaemon } from "./daemon.js";
import { home, idsFile, type PeerName, ports, staff } from "./home.js";

export const folderOf = (peer: PeerName) => join(home, peer);
export const catalogFile = join(home, "catalog.json");

const shared = { ...process.env, NODE_ENV: "production", CATALOG: catalogFile };

/** Environment variables of a peer's server and seed. */
export const environmentOf = (peer: PeerName): NodeJS.ProcessEnv =>
  ({
    medusa: {
      ...shared,
      IDS: idsFile(peer),
      MEDUSA_DISABLE_TELEMETRY: "true",
      LOG_LEVEL: "warn",
      DATABASE_URL: `postgres://postgres@127.0.0.1:${ports.postgres}/medusa`,
      REDIS_URL: `redis://127.0.0.1:${ports.redis}/1`,
    },
    vendure: {
      ...shared,
      IDS: idsFile(peer),
      APP_ENV: "prod",
      VENDURE_DISABLE_TELEMETRY: "true",
      PORT: String(ports.vendure),
      POSTGRES_PORT: String(ports.postgres),
      REDIS_PORT: String(ports.redis),
      STAFF_EMAIL: staff.email,
      STAFF_PASSWORD: staff.password,
    },
  })[peer];

const argumentsOf: Record<PeerName, readonly string[]> = {
  medusa: ["node_modules/@medusajs/cli/cli.js", "start", "-p", String(ports.medusa), "-H", "127.0.0.1"],
  vendure: ["server.js"],
};

const serverOf = (peer: PeerName): Daemon => ({
  name: peer,
  command: process.execPath,
  args: argumentsOf[peer],
  options: { cwd: folderOf(peer), env: environmentOf(peer) },
  ready: async () => {
    const { ok, status } = await fetch(`http://127.0.0.1:${ports[peer]}/health`);
    if (!ok) throw new Error(`/health → ${status}`);
  },
});

export const startPeer = (peer: PeerName) => startDaemon(serverOf(peer));
export const stopPeer = (peer: PeerName) => stopDaemon({ name: peer });

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder of the peers: their packages, data and logs. */
export const home = process.env.PEERS_ROOT ?? join(tmpdir(), "stoa-peers");
/** Debian's place of PostgreSQL 15. */
export const postgresBin = process.env.PEERS_POSTGRES_BIN ?? "/usr/lib/postgresql/15/bin";

export const ports = { postgres: 55_432, redis: 56_379, medusa: 59_000, vendure: 53_000 } as const;

/** The account of the staff in both. */
export const staff = { email: "admin@peer.test", password: "peer-Passw0rd-1" } as const;
/** Products in each system, of four variants each. */
export const PRODUCTS = 1_000;

export type PeerName = "medusa" | "vendure";
export const peerNames: readonly PeerName[] = ["medusa", "vendure"];

/** Ids of what was put into a peer. */
export const idsFile = (peer: PeerName) => join(home, `${peer}.json`);
/** Written at the end of the installation. */
export const isInstalled = () => peerNames.every((peer) => existsSync(idsFile(peer)));

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Address at which the API listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Somebody asked for this port: no other one is taken in its place. */
  readonly isChosen: boolean;
}

const USUAL = 3000;
const fileOf = (dir: string) => join(dir, "port");

function lastPort(dir: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(fileOf(dir), "utf8"), 10) || undefined;
  } catch {
    return undefined;
  }
}

/**
 * `HOST` and `PORT` of the environment; without them 127.0.0.1 and the port of the last start, so that the settings of
 * a storefront stay valid. @throws Error for a port that is none
 */
export function readAddress(dir: string, { HOST, PORT }: NodeJS.ProcessEnv): Address {
  const host = HOST || "127.0.0.1";
  if (!PORT) return { host, port: lastPort(dir) ?? USUAL, isChosen: false };
  const port = Number(PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_534)
    throw new Error(`PORT is "${PORT}"; it takes a number between 1 and 65534.`);
  return { host, port, isChosen: true };
}

export const rememberPort = (dir: string, url: string): void => writeFileSync(fileOf(dir), new URL(url).port);

/** The host that a browser on this machine uses for one on which a server listens. */
export const browsed = (host: string): string =>
  ["0.0.0.0", "::", "[::]"].includes(host) ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;

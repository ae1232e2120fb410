import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../lambda/bundle.js";
import type { DemoShop } from "./seed.js";

/** What the demo commands need, and a shell: `. .stoa/demo.env`. */
export interface DemoSettings {
  readonly URL: string;
  /** The publishable and the secret key. */
  readonly PK: string;
  readonly SK: string;
  readonly TENANT: string;
  /** The same shop in live mode, which pays for its plan. */
  readonly LIVE_TENANT: string;
  readonly EMAIL: string;
  readonly PASSWORD: string;
  readonly COUNTRY: string;
}

const usual = join(projectRoot, ".stoa/demo.env");

/** Writes the settings of a shop for this user's eyes only. */
export function writeSettings(url: string, shop: DemoShop, file = usual): void {
  const settings: DemoSettings = {
    URL: url,
    PK: shop.publishableKey,
    SK: shop.secretKey,
    TENANT: shop.tenant,
    LIVE_TENANT: shop.slug,
    EMAIL: shop.email,
    PASSWORD: shop.password,
    COUNTRY: shop.country,
  };
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `export ${name}='${value}'\n`)
      .join(""),
    { mode: 0o600 },
  );
  chmodSync(file, 0o600); // a file that was there keeps its mode otherwise
}

/** @throws Error before the first `npm start` */
export function readSettings(file = process.env.STOA_DEMO_ENV || usual): DemoSettings {
  try {
    const lines = readFileSync(file, "utf8").matchAll(/^export (\w+)='(.*)'$/gm);
    return Object.fromEntries([...lines].map(([, name, value]) => [name, value])) as unknown as DemoSettings;
  } catch {
    throw new Error("There is no demo shop yet: run `npm start` in another terminal first.");
  }
}

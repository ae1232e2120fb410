import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Kind } from "../../stacks/local/stripe/engine/kind.js";

/** What the last run of the suite asked of Stripe; `tests/conformance` holds it to Stripe's own description. */
const folder = join(import.meta.dirname, "../../.stoa/stripe-kinds");

export function forgetKinds(): void {
  rmSync(folder, { recursive: true, force: true });
}

export function keepKinds(kinds: readonly Kind[] = []): void {
  if (kinds.length === 0) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${randomUUID()}.json`), JSON.stringify(kinds));
}

export const keptKinds = (): Kind[] =>
  existsSync(folder)
    ? readdirSync(folder).flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Kind[])
    : [];

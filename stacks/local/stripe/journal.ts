import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Stored, Type } from "./engine.js";
import type { Remembered } from "./idempotency.js";

/** One line of the file; the last one about a thing holds. */
export type Line =
  | { readonly account?: string | undefined; readonly object: Stored }
  | { readonly account?: string | undefined; readonly type: Type; readonly removed: string }
  | { readonly timer: Timer }
  | { readonly done: number }
  | { readonly key: string; readonly remembered: Remembered };

export interface Timer {
  readonly number: number;
  /** Unix seconds. */
  readonly at: number;
  readonly name: string;
  readonly account?: string | undefined;
  readonly id: string;
}

/** What Stripe knows outlives the host, as it would: each change is a line of JSON. */
export interface Journal {
  write(line: Line): void;
  /** Lines go out together: before an answer tells of them, at the latest at the end of the turn. */
  flush(): void;
  /** From here on the file holds what was written since `openJournal`. */
  replace(): void;
  close(): void;
}

export const noJournal: Journal = { write() {}, flush() {}, replace() {}, close() {} };

/** What an earlier host left; a last line without its end was torn by a kill. */
export function readJournal(file: string): Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Line);
}

/** Writes beside `file` until `replace()`, so that a kill in between loses nothing. */
export function openJournal(file: string): Journal {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  const handle = openSync(draft, "w");
  let lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) writeSync(handle, lines.join(""));
    lines = [];
  };
  return {
    write(line) {
      if (lines.push(`${JSON.stringify(line)}\n`) === 1) process.nextTick(flush);
    },
    flush,
    replace() {
      flush();
      renameSync(draft, file);
    },
    close() {
      flush();
      closeSync(handle);
    },
  };
}

import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Stored, Type } from "./engine.js";
import type { Remembered } from "./idempotency.js";

/** One line of the file; the last line of an object is valid. */
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

/** The changes of objects, timers and keys as lines of JSON, for the next start. */
export interface Journal {
  write(line: Line): void;
  /** Writes the pending lines: before their answer, or at the end of the event loop's turn. */
  flush(): void;
  /** Replaces the old file by the lines since `openJournal`. */
  replace(): void;
  close(): void;
}

export const noJournal: Journal = { write() {}, flush() {}, replace() {}, close() {} };

/** Reads the lines of an earlier host; an incomplete last line is skipped. */
export function* readJournal(file: string): Generator<Line> {
  if (!existsSync(file)) return;
  const handle = openSync(file, "r");
  const chunk = Buffer.alloc(1 << 20);
  let rest = Buffer.alloc(0);
  try {
    for (let size = readSync(handle, chunk); size > 0; size = readSync(handle, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, size)]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      rest = bytes.subarray(end);
      for (const text of bytes.toString("utf8", 0, end).split("\n")) if (text) yield JSON.parse(text) as Line;
    }
  } finally {
    closeSync(handle);
  }
}

/** Writes a draft until `replace()`, so that a kill in between loses nothing. */
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
      const waiting = lines.push(`${JSON.stringify(line)}\n`);
      if (waiting === 1) process.nextTick(flush);
      if (waiting === 1000) flush();
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

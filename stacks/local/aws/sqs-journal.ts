import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Message } from "./sqs-message.js";

/** The changes of messages as lines of JSON, each written before its call is answered. */
export interface Journal {
  put(seq: number, queue: string, message: Message, due: number | undefined): void;
  received(seq: number, receives: number, firstReceived: number): void;
  removed(seq: number): void;
  /** Replaces the old file by the lines since `openJournal`. */
  replace(): void;
  close(): void;
}

export interface Kept {
  readonly queue: string;
  readonly message: Message;
  /** End of its delay, milliseconds. */
  readonly due?: number;
}

type Line = { seq: number } & (Kept | { receives: number; firstReceived: number } | { removed: true });

export const noJournal: Journal = { put() {}, received() {}, removed() {}, replace() {}, close() {} };

/** Messages of an earlier host; an incomplete last line had not been answered. */
export function readJournal(file: string): Kept[] {
  const kept = new Map<number, Kept>();
  if (!existsSync(file)) return [];
  for (const text of readFileSync(file, "utf8").split("\n").slice(0, -1)) {
    const line = JSON.parse(text) as Line;
    if ("message" in line) kept.set(line.seq, line);
    else if ("removed" in line) kept.delete(line.seq);
    else
      Object.assign(kept.get(line.seq)?.message ?? {}, { receives: line.receives, firstReceived: line.firstReceived });
  }
  return [...kept.values()];
}

/** Writes a draft until `replace()`, so that a kill in between loses nothing. */
export function openJournal(file: string): Journal {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  const handle = openSync(draft, "w");
  const write = (line: object) => void writeSync(handle, `${JSON.stringify(line)}\n`);
  return {
    put: (seq, queue, message, due) => write({ seq, queue, message, due }),
    received: (seq, receives, firstReceived) => write({ seq, receives, firstReceived }),
    removed: (seq) => write({ seq, removed: true }),
    replace: () => renameSync(draft, file),
    close: () => closeSync(handle),
  };
}

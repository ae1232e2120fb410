import { renameSync, statSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogLine } from "./environment.js";

export interface Log {
  write(line: LogLine): void;
  /** The last lines of all functions. */
  lines(): readonly LogLine[];
  /** Adds a listener; returns the function that removes it. */
  follow(listener: (line: LogLine) => void): () => void;
  flush(): Promise<void>;
}

/** Bytes after which the next start begins a new file; one old file is kept. */
const large = 50 * 1024 * 1024;

/** Milliseconds for which lines are gathered, because each write opens the file. */
const GATHERING = 20;

/** Logs in place of CloudWatch: the last lines in memory, all lines in `file`. */
export function createLog({ file, keep = 20_000 }: { file?: string; keep?: number } = {}): Log {
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  if (file && (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > large) renameSync(file, `${file}.old`);
  let unwritten = "";
  let writing = Promise.resolve();

  const write = async () => {
    const text = unwritten;
    unwritten = "";
    if (file && text) await appendFile(file, text, { mode: 0o600 }).catch(() => undefined);
  };

  return {
    write(line) {
      lines.push(line);
      if (lines.length > keep * 1.2) lines.splice(0, lines.length - keep);
      for (const listener of listeners) listener(line);
      if (!file) return;
      if (!unwritten) writing = writing.then(() => sleep(GATHERING)).then(write);
      unwritten += `${line.text}\n`;
    },
    lines: () => lines,
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    flush: () => writing,
  };
}

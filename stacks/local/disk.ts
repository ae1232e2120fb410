import { statfsSync } from "node:fs";

const LEAST = 32 * 2 ** 20;

/** The sentence about a disk that has no space left; undefined while there is some. */
export function describeFullDisk(dir: string): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize < LEAST ? `No space is left on the disk of ${dir}.` : undefined;
  } catch {
    return undefined;
  }
}

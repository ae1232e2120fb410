import { createHash } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "./bundle.js";

/** A hash of the files' sizes and times; undefined when a file is missing. */
async function look(files: readonly string[]): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for (const stats of await Promise.all(files.map((file) => stat(file))))
      hash.update(`${stats.size} ${stats.mtimeMs} `);
  } catch {
    return undefined;
  }
  return hash.digest("hex");
}

interface Record {
  readonly asked: string;
  readonly inputs: readonly string[];
  readonly before: string;
  readonly outputs: readonly string[];
  readonly after: string;
  readonly bundles: { readonly [name: string]: Bundle };
}

const place = (outdir: string) => join(outdir, "built.json");

/** The bundles of an earlier build with equal options, if inputs and outputs are unchanged. */
export async function builtBefore(outdir: string, asked: string): Promise<Record["bundles"] | undefined> {
  const text = await readFile(place(outdir), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as Record;
  if (record.asked !== asked || (await look(record.inputs)) !== record.before) return undefined;
  return (await look(record.outputs)) === record.after ? record.bundles : undefined;
}

/** Records a build; an input that changed during the build is not recorded and leads to a new one. */
export async function remember(
  outdir: string,
  { asked, inputs, since, bundles }: Pick<Record, "asked" | "inputs" | "bundles"> & { since: number },
): Promise<void> {
  const stats = await Promise.all(inputs.map((file) => stat(file)));
  if (stats.some(({ mtimeMs }) => mtimeMs >= since)) return;
  const outputs = Object.values(bundles).map(({ file }) => file);
  const [before, after] = [await look(inputs), await look(outputs)];
  const draft = `${place(outdir)}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ asked, inputs, before, outputs, after, bundles }));
  await rename(draft, place(outdir));
}

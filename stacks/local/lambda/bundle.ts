import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, type OutputFile } from "esbuild";
import { type FunctionName, type FunctionSpec, functions } from "../../topology.js";
import { builtBefore, remember } from "./bundle-record.js";

export const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));

/** A bundled function. */
export interface Bundle {
  /** The folder in place of /var/task. */
  readonly root: string;
  readonly file: string;
  readonly export: string;
  readonly bytes: number;
  /** Inputs: path from the project's root → bytes in the bundle. */
  readonly inputs: Readonly<Record<string, number>>;
}

/** SST's banner of ESM bundles, which defines `require` and `__dirname` for CommonJS packages. */
const js = [
  `import { createRequire as topLevelCreateRequire } from 'module';`,
  `const require = topLevelCreateRequire(import.meta.url);`,
  `import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"`,
  `const __filename = topLevelFileUrlToPath(import.meta.url)`,
  `const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`,
].join("\n");

/** Packages that SST never bundles. */
const forcedExternals = ["sharp", "pg-native"];

/** esbuild options of SST. */
export const asSst = {
  absWorkingDir: projectRoot,
  outExtension: { ".js": ".mjs" },
  external: forcedExternals,
  banner: { js },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  mainFields: ["module", "main"],
  minify: true,
  keepNames: true,
  logLevel: "silent",
} as const satisfies BuildOptions;

/** SST puts the file at the top of the package: `functions/api.handler` becomes `api.handler`. */
function split(handler: string) {
  const dot = handler.lastIndexOf(".");
  const path = handler.slice(0, dot);
  return { entry: `${path}.ts`, file: basename(path), handler: handler.slice(dot + 1) };
}

const specOf = (name: FunctionName) => ({
  name,
  ...(functions[name] as FunctionSpec),
  ...split(functions[name].handler),
});
type Spec = ReturnType<typeof specOf>;

async function copyFiles({ name, copy = [] }: Spec, outdir: string): Promise<void> {
  for (const { from, to } of copy) await copyTo(join(projectRoot, from), join(outdir, name, to));
}

/** Functions with the same external packages share a build, which is quicker. */
function buildInGroups(specs: readonly Spec[], outdir: string) {
  const installed = [...new Set(specs.flatMap(({ install = [] }) => install))];
  const groups = new Map<string, Spec[]>();
  for (const spec of specs) {
    const key = (spec.external ?? []).filter((name) => !installed.includes(name)).join();
    groups.set(key, [...(groups.get(key) ?? []), spec]);
  }
  const builds = [...groups].map(([left, group]) =>
    build({
      ...asSst,
      entryPoints: Object.fromEntries(group.map(({ name, entry, file }) => [`${name}/${file}`, entry])),
      outdir,
      external: [...forcedExternals, ...installed, ...left.split(",").filter(Boolean)],
      metafile: true,
      write: false,
    }),
  );
  return Promise.all(builds);
}

/** Writes the folder of a function. @throws when esbuild has not built it, or it would miss a package on Lambda */
async function writeBundle(spec: Spec, outdir: string, written: readonly OutputFile[], described: Metafile["outputs"]) {
  const { name, file, handler, install = [], external = [] } = spec;
  const root = join(outdir, name);
  const path = join(root, `${file}.mjs`);
  const output = written.find((candidate) => candidate.path === path);
  const meta = described[relative(projectRoot, path).replaceAll("\\", "/")];
  if (!output || !meta) throw new Error(`esbuild wrote no ${path}.`);
  requireInstalled(name, meta, { install, external });
  await place(path, output.contents);
  await copyFiles(spec, outdir);
  const inputs = Object.fromEntries(Object.entries(meta.inputs).map(([input, part]) => [input, part.bytesInOutput]));
  return [name, { root, file: path, export: handler, bytes: meta.bytes, inputs }] as const;
}

/**
 * Bundles functions with esbuild as SST does (sst/sst, pkg/runtime/node/build.go): one file each, no splitting.
 * Nothing is built again whose sources have not changed. @throws when one would miss a package on Lambda
 */
export async function bundle<Name extends FunctionName = FunctionName>(
  names: readonly Name[] = Object.keys(functions) as Name[],
  { outdir = join(projectRoot, ".stoa/build") }: { outdir?: string } = {},
): Promise<Record<Name, Bundle>> {
  const specs = names.map(specOf);
  const asked = JSON.stringify([asSst, specs, outdir]);
  const known = await builtBefore(outdir, asked);
  if (known) {
    for (const spec of specs) await copyFiles(spec, outdir);
    return known as Record<Name, Bundle>;
  }
  const since = Date.now();
  const results = await buildInGroups(specs, outdir);
  const written = results.flatMap(({ outputFiles }) => outputFiles);
  const described = Object.assign({}, ...results.map(({ metafile }) => metafile.outputs)) as Metafile["outputs"];
  const bundles = await Promise.all(specs.map((spec) => writeBundle(spec, outdir, written, described)));
  const made = Object.fromEntries(bundles) as Record<Name, Bundle>;
  const inputs = [...new Set(results.flatMap(({ metafile }) => Object.keys(metafile.inputs)))];
  await remember(outdir, { asked, inputs: inputs.map((input) => join(projectRoot, input)), since, bundles: made });
  return made;
}

/** Lambda has only the packages of the function's own `install`, while this machine has all of them. */
function requireInstalled(
  name: string,
  { imports }: Metafile["outputs"][string],
  { install, external }: { install: readonly string[]; external: readonly string[] },
) {
  const absent = Object.values<FunctionSpec>(functions).flatMap((spec) => [
    ...(spec.install ?? []),
    ...(spec.external ?? []),
  ]);
  for (const { path, kind } of imports) {
    if (!absent.includes(path) || install.includes(path)) continue;
    if (!external.includes(path))
      throw new Error(`The function "${name}" imports ${path}, which is neither in its \`install\` nor \`external\`.`);
    if (kind !== "dynamic-import")
      throw new Error(`The function "${name}" needs ${path} to start, and has it in \`external\`.`);
  }
}

async function copyTo(from: string, to: string): Promise<void> {
  if (!(await stat(from)).isDirectory()) return place(to, await readFile(from));
  const names = await readdir(from);
  if (existsSync(to))
    for (const old of await readdir(to)) if (!names.includes(old)) await rm(join(to, old), { recursive: true });
  for (const name of names) await copyTo(join(from, name), join(to, name));
}

/** Replaces a changed file by a rename: another host may be starting from the same folder. */
async function place(to: string, contents: Uint8Array): Promise<void> {
  const old = await readFile(to).catch(() => undefined);
  if (old?.equals(contents)) return;
  await mkdir(dirname(to), { recursive: true });
  const draft = `${to}.${process.pid}`;
  await writeFile(draft, contents);
  await rename(draft, to);
}

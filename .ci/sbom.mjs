// Writes the bill of materials of a release, CycloneDX 1.6, from the lock file: every package with its version, its hash and its
// place among those that run or those that build. `node .ci/sbom.mjs [file]`; without a file it is printed.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const root = new URL("..", import.meta.url);
const read = (name) => readFileSync(new URL(name, root), "utf8");
const { name, version, description, dependencies, optionalDependencies } = JSON.parse(read("package.json"));
const lock = read("pnpm-lock.yaml");

/** The part of the lock file below a heading at the margin. */
const section = (heading) => new RegExp(`^${heading}:\\n([\\s\\S]*?)(?=^\\w|$(?![\\s\\S]))`, "m").exec(lock)?.[1] ?? "";
const unquote = (text) => text.replace(/^'|'$/g, "");

/** Package and version, and the hash of its archive. */
const packages = [...section("packages").matchAll(/^ {2}(\S+):\n {4}resolution: \{integrity: (sha\d+)-([^},]+)/gm)].map(
  ([, key, algorithm, hash]) => {
    const id = unquote(key);
    const at = id.lastIndexOf("@");
    return { id, name: id.slice(0, at), version: id.slice(at + 1), algorithm, hash };
  },
);

/** What each package needs, without the peers in its key. */
const needs = new Map();
for (const [, key, body] of section("snapshots").matchAll(/^ {2}(\S+):(?: \{\})?\n((?: {4}.*\n)*)/gm)) {
  const id = unquote(key).replace(/\(.*$/, "");
  const inner = [...body.matchAll(/^ {6}(\S+): (\S+)$/gm)].map(
    ([, other, at]) => `${unquote(other)}@${at.replace(/\(.*$/, "")}`,
  );
  needs.set(id, new Set([...(needs.get(id) ?? []), ...inner]));
}

/** The packages that a release runs with. */
const running = new Set();
const visit = (id) => {
  if (running.has(id)) return;
  running.add(id);
  for (const other of needs.get(id) ?? []) visit(other);
};
for (const [other, at] of Object.entries({ ...dependencies, ...optionalDependencies })) visit(`${other}@${at}`);

const purl = (one) => `pkg:npm/${one.name.replace("@", "%40")}@${one.version}`;
const components = packages.map((one) => ({
  type: "library",
  "bom-ref": one.id,
  name: one.name,
  version: one.version,
  scope: running.has(one.id) ? "required" : "excluded",
  purl: purl(one),
  hashes: [{ alg: one.algorithm.replace("sha", "SHA-"), content: Buffer.from(one.hash, "base64").toString("hex") }],
}));
const known = new Set(packages.map(({ id }) => id));
const bom = {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  serialNumber: `urn:uuid:${createHash("sha256")
    .update(lock)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-5$3-8$4-$5")}`,
  version: 1,
  metadata: { component: { type: "application", "bom-ref": name, name, version, description } },
  components,
  dependencies: packages.map(({ id }) => ({
    ref: id,
    dependsOn: [...(needs.get(id) ?? [])].filter((other) => known.has(other)),
  })),
};

const text = `${JSON.stringify(bom, null, 2)}\n`;
const file = process.argv[2];
if (file) writeFileSync(file, text);
else process.stdout.write(text);

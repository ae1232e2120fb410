// Prints what a deployment would ask of AWS: npx tsx tests/infrastructure/synth.ts [stage]
import { fileURLToPath } from "node:url";
import { synthesize } from "./synthesis.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
console.log(JSON.stringify(await synthesize(root, process.argv[2] ?? "production"), null, 2));

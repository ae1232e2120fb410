// Writes docs/openapi.json from the app; with `--check` it fails when that file is not what the app says.
import { readFileSync, writeFileSync } from "node:fs";
import { errorCodes } from "../../functions/http/document.js";
import { document } from "../../functions/http/openapi.js";
import { readExamples } from "../../functions/http/openapi-example.js";
import { modules } from "../../functions/modules/index.js";

const file = new URL("../../docs/openapi.json", import.meta.url);
const events = modules.flatMap((module) => module.events ?? []);
const described = document(
  modules.flatMap(({ routes = [] }) => routes),
  { events, codes: errorCodes(), examples: readExamples() },
);
const current = `${JSON.stringify(described, null, 2)}\n`;

if (!process.argv.includes("--check")) {
  writeFileSync(file, current);
} else if (readFileSync(file, "utf8") !== current) {
  console.error("docs/openapi.json is not what the app says. Run `npm run openapi` and commit the file.");
  process.exitCode = 1;
}

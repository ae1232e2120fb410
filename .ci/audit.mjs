// Fails when a package that a release runs with has a known vulnerability of high severity. Where the registry keeps no list of
// them, or cannot be reached, nothing can be compared, and that is said.
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { root } from "../stacks/local/dependencies.mjs";
import { runPnpm } from "../stacks/local/pnpm.mjs";

const { packageManager } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
mkdirSync(`${root}/.stoa`, { recursive: true });
const file = `${root}/.stoa/audit.log`;
const log = openSync(file, "w");
const words = ["audit", "--prod", "--audit-level", "high"];
const ended = await runPnpm(root, packageManager, words, { stdio: ["ignore", log, log] });
closeSync(log);
const text = readFileSync(file, "utf8");
console.log(text.trim());
const compared = /vulnerabilit/i.test(text);
if (!compared) console.log("The registry told nothing of vulnerabilities, so that nothing was compared.");
process.exitCode = compared && ended !== 0 ? 1 : 0;

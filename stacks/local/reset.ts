import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./lambda/bundle.js";
import { holderOf } from "./lock.js";

const dir = join(projectRoot, ".stoa/data");
const holder = holderOf(dir);
if (holder) {
  console.log(`Stoa is running in this folder (process ${holder.pid}); stop it first.`);
  process.exitCode = 1;
} else {
  const elsewhere = join(dir, "cluster-path"); // the database of root
  if (existsSync(elsewhere)) rmSync(readFileSync(elsewhere, "utf8"), { recursive: true, force: true });
  rmSync(dir, { recursive: true, force: true });
  console.log("All local data was deleted; `npm start` creates it again.");
}

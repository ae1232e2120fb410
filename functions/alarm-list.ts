import { modules } from "./modules/index.js";

// Prints the alarms of all modules as JSON. A deployment runs this file, because SST's bundler of the infrastructure
// cannot bundle the native packages that the modules import.
process.stdout.write(JSON.stringify(modules.flatMap(({ alarms = [] }) => alarms)));

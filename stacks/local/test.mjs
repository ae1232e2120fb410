// `npm test -- <arguments of vitest run>`: no `pretest`, which npm leaves out where `ignore-scripts` is set.
import { endOnSignal, installDependencies, root } from "./dependencies.mjs";

endOnSignal();
await installDependencies();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal); // Vitest has its own
process.chdir(root);
process.argv.splice(2, 0, "run");
await import("../../node_modules/vitest/vitest.mjs");

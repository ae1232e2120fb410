// `npm start`: a script of its own instead of a `prestart`, which npm leaves out where `ignore-scripts` is set.
import { endOnSignal, installDependencies } from "./dependencies.mjs";

endOnSignal();
await installDependencies();
const { register } = await import("tsx/esm/api");
register();
await import("./start.ts");

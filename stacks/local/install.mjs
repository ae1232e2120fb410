// Installs the dependencies, and nothing else.
import { endOnSignal, installDependencies } from "./dependencies.mjs";

endOnSignal();
await installDependencies();

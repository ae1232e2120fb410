import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Not part of `npm test`: strangers' tools, which `.ci/run` installs (`.ci/requirements.txt`).
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: { fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
});

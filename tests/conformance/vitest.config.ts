import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Not part of `npm test`: strangers' tools, which `.ci/run conformance` installs (`.ci/requirements.txt`).
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["tests/conformance/*.test.ts"],
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
});

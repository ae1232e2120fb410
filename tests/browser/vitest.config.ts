import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Not part of `npm test`: needs Chromium, which `.ci/run browser` installs (`CHROMIUM` names another one).
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: { include: ["tests/browser/*.test.ts"], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
});

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Not part of `npm test`: needs Chromium, which `.ci/run` installs (`CHROMIUM` names another one).
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: { testTimeout: 60_000, hookTimeout: 60_000 },
});

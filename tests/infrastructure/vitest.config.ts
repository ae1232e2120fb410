import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Not part of `npm test`: the first run unpacks SST's platform (320 MB, about a minute).
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: { include: ["*.test.ts"], globalSetup: "setup.ts", testTimeout: 60_000 },
});

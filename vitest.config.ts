import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["tests/infrastructure/**", "tests/browser/**", "tests/conformance/**", "node_modules/**"],
    globalSetup: ["tests/support/global.ts"],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A stall of a shared machine is not a defect: what fails in CI is tried twice more, and reported as such.
    retry: process.env.CI ? 2 : 0,
  },
});

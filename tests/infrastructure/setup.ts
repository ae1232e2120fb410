import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { type Synthesis, synthesize } from "./synthesis.js";

declare module "vitest" {
  interface ProvidedContext {
    syntheses: Record<"production" | "preview", Synthesis>;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Both kinds of stage, once for all files. */
export default async function setup({ provide }: TestProject): Promise<void> {
  const production = await synthesize(root, "production");
  provide("syntheses", { production, preview: await synthesize(root, "pr-1") });
}

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host, startHost } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";

const LIST = "functions/modules/index.ts";
const parts = ["core", "docs", "drizzle", "functions", "plugins", "stacks", "package.json", "tsconfig.json"];

/** A copy of the project, in which a plugin is added and removed as a developer does it. */
export class Copy {
  readonly #root = mkdtempSync(join(tmpdir(), "stoa-copy-"));
  readonly #dir = mkdtempSync(join(tmpdir(), "stoa-copy-data-"));

  constructor() {
    for (const part of parts) cpSync(join(projectRoot, part), join(this.#root, part), { recursive: true });
    symlinkSync(join(projectRoot, "node_modules"), join(this.#root, "node_modules"), "dir");
  }

  /** Adds the folder and the line, and generates the migration. */
  add(plugin: string, source: string): void {
    cpSync(source, join(this.#root, "plugins", plugin), { recursive: true });
    const list = readFileSync(join(this.#root, LIST), "utf8")
      .replace(/^/, `import { ${plugin} } from "../../plugins/${plugin}/plugin.js";\n`)
      .replace(/\n\];/, `\n  ${plugin},\n];`);
    writeFileSync(join(this.#root, LIST), list);
    const kit = join(this.#root, "node_modules/drizzle-kit/bin.cjs");
    const generate = [kit, "generate", "--config", "drizzle/kit.config.ts", "--name", plugin];
    execFileSync(process.execPath, generate, { cwd: this.#root, stdio: "pipe", timeout: 120_000 });
  }

  /** Removes the line and the folder. The migration stays, because a deployed one is never taken back. */
  remove(plugin: string): void {
    cpSync(join(projectRoot, LIST), join(this.#root, LIST));
    rmSync(join(this.#root, "plugins", plugin), { recursive: true });
  }

  /** Starts the host of the copy, each time on the same data. */
  async start(): Promise<Host> {
    const host: { startHost: typeof startHost } = await import(join(this.#root, "stacks/local/host.ts"));
    return host.startHost({ dir: this.#dir, schedules: false });
  }

  delete(): void {
    for (const folder of [this.#root, this.#dir]) rmSync(folder, { recursive: true, force: true });
  }
}

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host, startHost } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";

const LIST = "functions/modules/index.ts";
const folders = ["core", "docs", "drizzle", "functions", "plugins", "stacks", "tests"];
const parts = [...folders, "package.json", "tsconfig.json", "vitest.config.ts"];

interface Result {
  readonly title: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
  readonly meta: Record<string, unknown>;
}

/** As much of vitest's report in JSON as the tests read. */
interface Report {
  readonly success: boolean;
  readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly Result[] }[];
}

/** A copy of the project, in which a plugin is added and removed as a developer does it. */
export class Copy {
  readonly root = mkdtempSync(join(tmpdir(), "stoa-copy-"));
  readonly #dir = mkdtempSync(join(tmpdir(), "stoa-copy-data-"));

  constructor() {
    for (const part of parts) cpSync(join(projectRoot, part), join(this.root, part), { recursive: true });
    symlinkSync(join(projectRoot, "node_modules"), join(this.root, "node_modules"), "dir");
  }

  /** Adds the folder and the line, and generates the migration. */
  add(plugin: string, source: string): void {
    cpSync(source, join(this.root, "plugins", plugin), { recursive: true });
    const list = readFileSync(join(this.root, LIST), "utf8")
      .replace(/^/, `import { ${plugin} } from "../../plugins/${plugin}/plugin.js";\n`)
      .replace(/\n\];/, `\n  ${plugin},\n];`);
    writeFileSync(join(this.root, LIST), list);
    const kit = join(this.root, "node_modules/drizzle-kit/bin.cjs");
    const generate = [kit, "generate", "--config", "drizzle/kit.config.ts", "--name", plugin];
    execFileSync(process.execPath, generate, { cwd: this.root, stdio: "pipe", timeout: 120_000 });
  }

  /** Removes the line and the folder. The migration stays, because a deployed one is never taken back. */
  remove(plugin: string): void {
    cpSync(join(projectRoot, LIST), join(this.root, LIST));
    rmSync(join(this.root, "plugins", plugin), { recursive: true });
  }

  /** Starts the host of the copy, each time on the same data. */
  async start(): Promise<Host> {
    const host: { startHost: typeof startHost } = await import(join(this.root, "stacks/local/host.ts"));
    return host.startHost({ dir: this.#dir, schedules: false });
  }

  /** Runs test files of the copy on a system of its own. @returns the report of vitest */
  async test(files: readonly string[]): Promise<Report> {
    const report = join(this.#dir, "report.json");
    // One worker, and patience: another run of vitest keeps the machine busy.
    const options = ["--reporter=json", `--outputFile=${report}`, "--hookTimeout=240000", "--maxWorkers=1"];
    const command = [join(this.root, "node_modules/vitest/vitest.mjs"), "run", ...files, ...options];
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST"));
    const child = spawn(process.execPath, command, { cwd: this.root, env: Object.fromEntries(env), stdio: "ignore" });
    await once(child, "exit");
    return JSON.parse(readFileSync(report, "utf8"));
  }

  delete(): void {
    for (const folder of [this.root, this.#dir]) rmSync(folder, { recursive: true, force: true });
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { dirname } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { encodeFrame, readFrames } from "./frame.mjs";

/** A log line of a function: JSON of its logger, an EMF metric, or plain text of a crash. */
export interface LogLine {
  readonly function: string;
  readonly pid: number;
  readonly at: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface EnvironmentOptions {
  readonly function: string;
  /** The bundle, and the name of the handler that it exports. */
  readonly file: string;
  readonly export: string;
  /** Working directory, in place of /var/task. */
  readonly root?: string;
  /** All environment variables: none are inherited from the host. */
  readonly env: Readonly<Record<string, string>>;
  readonly memory?: number;
  onLine?(line: LogLine): void;
}

/** One process that serves one request at a time, as an execution environment of Lambda does. */
export interface Environment {
  readonly pid: number;
  readonly startedAt: number;
  /** Resolves when the module is loaded; rejects when it fails to load, as a failed init does. */
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
  readonly alive: boolean;
  readonly busy: boolean;
  /**
   * Returns the handler's result; the text of its `body` as bytes, because it is passed on unread. A request that takes
   * longer than `timeoutMs` ends the process, as on Lambda. @throws what the handler threw
   */
  invoke(event: unknown, options: { timeoutMs: number }): Promise<unknown>;
  /** SIGKILL. */
  kill(): void;
}

interface Reply {
  readonly value?: unknown;
  readonly error?: { name: string; message: string; stack?: string };
}

const child = fileURLToPath(new URL("./environment-child.mjs", import.meta.url));

/** Variables that Lambda's runtime sets. */
function runtimeEnv({
  function: name,
  file,
  export: handler,
  memory = 1024,
  root = dirname(file),
}: EnvironmentOptions) {
  return {
    PATH: process.env.PATH ?? "",
    ...(process.env.SystemRoot ? { SystemRoot: process.env.SystemRoot } : {}),
    LANG: "en_US.UTF-8",
    TZ: "UTC",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `local/${name}`,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    LAMBDA_TASK_ROOT: root,
    _HANDLER: `${name}.${handler}`,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
}

/** Starts an execution environment for one function; its module is loading when this returns. */
export const startEnvironment = (options: EnvironmentOptions): Environment => new ChildEnvironment(options);

class ChildEnvironment implements Environment {
  readonly startedAt = Date.now();
  readonly pid: number;
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
  alive = true;
  readonly #process: ChildProcess;
  readonly #channel: Duplex;
  /** The last lines of standard error, for the message of a crash. */
  readonly #lastErrors: string[] = [];
  /** Receiver of the next reply; none while the environment is free. */
  #receive: ((reply: Reply) => void) | undefined;

  constructor(readonly options: EnvironmentOptions) {
    const { file, root = dirname(file) } = options;
    this.#process = spawn(process.execPath, [child, file, options.export], {
      cwd: root,
      env: { ...runtimeEnv(options), ...options.env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    this.#channel = this.#process.stdio[3] as Duplex;
    this.pid = this.#process.pid ?? 0;
    this.#readLines();
    this.exited = this.#watch();
    this.#channel.on("error", () => undefined); // the end of the process says more
    this.#channel.on(
      "data",
      readFrames(({ value, error }, body) =>
        this.#receive?.({
          value: body.length > 0 ? { ...(value as object), body } : value,
          ...(error && { error }),
        }),
      ),
    );
    this.ready = this.#reply(() => undefined).then(({ error }) => {
      if (error) throw Object.assign(new Error(error.message), { name: error.name });
    });
    this.ready.catch(() => undefined); // callers that await it receive the error
  }

  get busy() {
    return this.#receive !== undefined;
  }

  kill() {
    this.alive = false;
    this.#process.kill("SIGKILL");
  }

  async invoke(event: unknown, { timeoutMs }: { timeoutMs: number }): Promise<unknown> {
    await this.ready;
    if (this.busy) throw new Error(`The environment ${this.pid} of "${this.options.function}" is busy.`);
    const timer = setTimeout(() => this.#timeOut(timeoutMs), timeoutMs);
    const { value, error } = await this.#reply(() =>
      this.#channel.write(encodeFrame(event, { deadline: Date.now() + timeoutMs }), (failed) => {
        if (failed) this.#receive?.(this.#exitReply(`takes no request: ${failed.message}`));
      }),
    );
    clearTimeout(timer);
    if (error) throw Object.assign(new Error(error.message), error);
    return value;
  }

  #timeOut(timeoutMs: number) {
    const message = `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
    this.#receive?.({ error: { name: "Sandbox.Timedout", message } });
    this.kill();
  }

  /** Sends to the process and resolves with its next reply or its exit. */
  #reply(send: () => unknown): Promise<Reply> {
    return new Promise((resolve) => {
      this.#receive = (reply) => {
        this.#receive = undefined;
        resolve(reply);
      };
      if (this.alive) send();
      else this.#receive(this.#exitReply("is gone"));
    });
  }

  #exitReply(how: string): Reply {
    const message = [`The environment of "${this.options.function}" ${how}.`, ...this.#lastErrors].join("\n");
    return { error: { name: "Runtime.ExitError", message } };
  }

  #readLines() {
    for (const stream of ["stdout", "stderr"] as const) {
      readLines(this.#process[stream] as Readable, (text) => {
        if (stream === "stderr" && this.#lastErrors.push(text) > 20) this.#lastErrors.shift();
        this.options.onLine?.({ function: this.options.function, pid: this.pid, at: Date.now(), stream, text });
      });
    }
  }

  #watch(): Promise<void> {
    return new Promise((resolve) => {
      const end = (how: string) => {
        this.alive = false;
        this.#receive?.(this.#exitReply(how));
        resolve();
      };
      this.#process.once("exit", () => {
        this.alive = false;
      });
      // At `close`, unlike `exit`, the output has been read to its end.
      this.#process.once("close", (code, signal) => end(`exited with ${signal ?? code}`));
      this.#process.once("error", (error) => end(`failed: ${error.message}`));
    });
  }
}

/** Reads lines of text. */
function readLines(input: Readable, onLine: (text: string) => void): void {
  let rest = "";
  input.setEncoding("utf8");
  input.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
  input.on("end", () => {
    if (rest) onLine(rest);
  });
}

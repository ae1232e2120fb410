import { fork } from "node:child_process";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A line that a function wrote: JSON of its logger, an EMF metric, or plain text of a crash. */
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
  /** What is /var/task on Lambda; the working directory. */
  readonly root?: string;
  /** The whole environment of the process: nothing is inherited. */
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
  /** Milliseconds; a request that takes longer ends the process, as on Lambda. @throws what the handler threw */
  invoke(event: unknown, options: { timeoutMs: number }): Promise<unknown>;
  /** SIGKILL. */
  kill(): void;
}

interface Reply {
  readonly ready?: true;
  readonly payload?: string;
  readonly error?: { name: string; message: string; stack?: string };
}

const child = fileURLToPath(new URL("./environment-child.mjs", import.meta.url));

/** What the runtime of Lambda sets by itself. */
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
export function startEnvironment(options: EnvironmentOptions): Environment {
  const { function: name, file, root = dirname(file) } = options;
  const process = fork(child, [file, options.export], {
    cwd: root,
    env: { ...runtimeEnv(options), ...options.env },
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const pid = process.pid ?? 0;
  const startedAt = Date.now();
  const lastWords: string[] = [];
  for (const stream of ["stdout", "stderr"] as const) {
    const input = process[stream];
    if (!input) continue;
    createInterface({ input }).on("line", (text) => {
      if (stream === "stderr") lastWords.splice(0, lastWords.length - 20, text);
      options.onLine?.({ function: name, pid, at: Date.now(), stream, text });
    });
  }

  let alive = true;
  let settle: ((reply: Reply) => void) | undefined;
  const died = (how: string): Reply => ({
    error: { name: "Runtime.ExitError", message: [`The environment of "${name}" ${how}.`, ...lastWords].join("\n") },
  });
  const exited = new Promise<void>((resolve) => {
    const end = (how: string) => {
      alive = false;
      settle?.(died(how));
      resolve();
    };
    process.once("exit", () => {
      alive = false;
    });
    // After `close` the last words are read.
    process.once("close", (code, signal) => end(`exited with ${signal ?? code}`));
    process.once("error", (error) => end(`failed: ${error.message}`));
  });
  process.on("message", (reply: Reply) => settle?.(reply));
  const kill = () => {
    alive = false;
    process.kill("SIGKILL");
  };

  /** Gives the process something to do and waits for its next reply or its end. */
  const reply = (send: () => void) =>
    new Promise<Reply>((resolve) => {
      settle = (reply) => {
        settle = undefined;
        resolve(reply);
      };
      if (alive) send();
      else settle(died("is gone"));
    });

  const ready = reply(() => undefined).then(({ error }) => {
    if (error) throw Object.assign(new Error(error.message), { name: error.name });
  });
  ready.catch(() => undefined); // whoever waits for it hears of it

  return {
    pid,
    startedAt,
    ready,
    exited,
    get alive() {
      return alive;
    },
    get busy() {
      return settle !== undefined;
    },
    kill,
    async invoke(event, { timeoutMs }) {
      await ready;
      if (settle) throw new Error(`The environment ${pid} of "${name}" is busy.`);
      let timer: NodeJS.Timeout | undefined;
      const { payload, error } = await reply(() => {
        timer = setTimeout(() => {
          settle?.({
            error: {
              name: "Sandbox.Timedout",
              message: `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
            },
          });
          kill();
        }, timeoutMs);
        process.send({ event, deadline: Date.now() + timeoutMs }, (failed) => {
          if (failed) settle?.(died(`takes no request: ${failed.message}`));
        });
      });
      clearTimeout(timer);
      if (error) throw Object.assign(new Error(error.message), error);
      return payload === undefined ? null : JSON.parse(payload);
    },
  };
}

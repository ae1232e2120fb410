import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";

export const region = "us-east-1";
export const account = "000000000000";
export const arnOf = (service: "sqs" | "events", resource: string) =>
  `arn:aws:${service}:${region}:${account}:${resource}`;

/** An error answer of AWS; `queryCode` is the code of the older query protocol, which SDKs also read. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly queryCode = code,
    readonly status = 400,
  ) {
    super(message);
  }
}

export type Operation = (input: unknown, signal: AbortSignal) => unknown;

/** An operation whose input is parsed by `shape`; `run` checks its meaning. */
export function operation<Shape extends z.ZodRawShape>(
  shape: Shape,
  run: (input: z.output<z.ZodObject<Shape>>, signal: AbortSignal) => unknown,
): Operation {
  const schema = z.object(shape);
  return (input, signal) => {
    const parsed = schema.safeParse(input, { reportInput: true });
    if (parsed.success) return run(parsed.data, signal);
    const [issue] = parsed.error.issues;
    const name = issue?.path.join(".") ?? "";
    if (issue?.input === undefined)
      throw new AwsError("MissingParameter", `The request must contain the parameter ${name}.`);
    throw new AwsError("SerializationException", `${name}: ${issue.message}`);
  };
}

export interface AwsJson {
  /** First part of `X-Amz-Target`. */
  readonly prefix: string;
  readonly version: "1.0" | "1.1";
  /** Prefix of `__type` in errors. */
  readonly namespace?: string;
  readonly operations: Readonly<Record<string, Operation>>;
  /** `fail`: the share (0..1) of calls answered with 503; half of those have had their effect. */
  readonly chaos: { fail: number };
}

const largestRequest = 16 * 2 ** 20;

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestRequest) throw new AwsError("RequestEntityTooLarge", "The request is too large.", undefined, 413);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || "{}");
  } catch {
    throw new AwsError("SerializationException", "The body is not JSON.");
  }
}

async function call(service: AwsJson, request: IncomingMessage, signal: AbortSignal): Promise<unknown> {
  const [prefix, name = ""] = String(request.headers["x-amz-target"]).split(".");
  const run = prefix === service.prefix && Object.hasOwn(service.operations, name) && service.operations[name];
  if (!run)
    throw new AwsError(
      "UnknownOperationException",
      `${prefix}.${name} is unknown here (AWS JSON only).`,
      undefined,
      404,
    );
  const input = await readJson(request);
  const fails = Math.random() < service.chaos.fail;
  const unavailable = new AwsError("ServiceUnavailable", "Chaos: this call failed.", undefined, 503);
  if (fails && Math.random() < 0.5) throw unavailable;
  const output = await run(input, signal);
  if (fails) throw unavailable;
  return output;
}

function refuse(service: AwsJson, response: ServerResponse, error: unknown) {
  const known = error instanceof AwsError ? error : new AwsError("InternalFailure", String(error), undefined, 500);
  const type = service.namespace ? `${service.namespace}#${known.code}` : known.code;
  response.setHeader("x-amzn-query-error", `${known.queryCode};${known.status < 500 ? "Sender" : "Receiver"}`);
  response.statusCode = known.status;
  response.end(JSON.stringify({ __type: type, message: known.message }));
}

async function answer(service: AwsJson, request: IncomingMessage, response: ServerResponse) {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.setHeader("content-type", `application/x-amz-json-${service.version}`);
  response.setHeader("x-amzn-requestid", randomUUID());
  try {
    response.end(JSON.stringify((await call(service, request, gone.signal)) ?? {}));
  } catch (error) {
    refuse(service, response, error);
  }
}

/** Serves AWS's JSON protocol on 127.0.0.1; port 0 takes a free one. */
export async function startAwsJson(service: AwsJson, port = 0) {
  const server = createServer((request, response) => void answer(service, request, response));
  // Longer than any SDK keeps a connection: closing first would race with its next request.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    endpoint: `http://127.0.0.1:${bound}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

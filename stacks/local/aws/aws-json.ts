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

function find({ prefix, operations }: AwsJson, target: string): Operation {
  const [given, name = ""] = target.split(".");
  const found = given === prefix && Object.hasOwn(operations, name) && operations[name];
  if (found) return found;
  throw new AwsError("UnknownOperationException", `${target} is unknown here (AWS JSON only).`, undefined, 404);
}

/** Runs an operation; the target is the value of `X-Amz-Target`. @throws AwsError */
async function call(
  service: AwsJson,
  target: string,
  readInput: () => unknown,
  signal: AbortSignal,
  counts: Map<string, number>,
): Promise<unknown> {
  const run = find(service, target);
  const input = await readInput();
  counts.set(target, (counts.get(target) ?? 0) + 1);
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

async function answer(
  service: AwsJson,
  request: IncomingMessage,
  response: ServerResponse,
  counts: Map<string, number>,
) {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.setHeader("content-type", `application/x-amz-json-${service.version}`);
  response.setHeader("x-amzn-requestid", randomUUID());
  try {
    const target = String(request.headers["x-amz-target"]);
    const output = await call(service, target, () => readJson(request), gone.signal, counts);
    response.end(JSON.stringify(output ?? {}));
  } catch (error) {
    refuse(service, response, error);
  }
}

/** Serves AWS's JSON protocol on 127.0.0.1; port 0 takes a free one. */
export async function startAwsJson(service: AwsJson, port = 0) {
  const counts = new Map<string, number>();
  const server = createServer((request, response) => void answer(service, request, response, counts));
  // Longer than any SDK keeps a connection: closing first would race with its next request.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    endpoint: `http://127.0.0.1:${bound}`,
    /** Calls of each operation, over HTTP and from this process. */
    calls: (): Readonly<Record<string, number>> => Object.fromEntries(counts),
    /** Calls an operation from this process, without HTTP. @throws AwsError */
    call: (name: string, input: object, signal = new AbortController().signal): Promise<unknown> =>
      call(service, `${service.prefix}.${name}`, () => input, signal, counts),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

import { randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

/** A request that API Gateway refuses before the function. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Content types whose body an HTTP API passes as text; other bodies are base64. */
const textual = /^(?:text\/[^;]+|application\/(?:json|xml|javascript))\s*(?:;|$)/i;

/** Headers in the order of the wire, names in lower case, equal names joined by a comma; cookies apart. */
function headersOf({ rawHeaders }: IncomingMessage) {
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? "";
    const value = rawHeaders[index + 1] ?? "";
    if (name === "cookie") cookies.push(...value.split(/;\s*/).filter(Boolean));
    else headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return { headers, cookies };
}

/** HTTP APIs pass the decoded path, cut at a decoded `?`. */
function pathOf(target: string): { rawPath: string; rawQueryString: string } {
  const question = target.indexOf("?");
  const path = question < 0 ? target : target.slice(0, question);
  if (!path.startsWith("/")) throw new Refused(400, "Bad Request");
  try {
    const [rawPath = "/"] = decodeURIComponent(path).split("?");
    return { rawPath, rawQueryString: question < 0 ? "" : target.slice(question + 1) };
  } catch {
    throw new Refused(400, "Bad Request");
  }
}

function queryOf(rawQueryString: string): Record<string, string> | undefined {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString))
    query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  return Object.keys(query).length > 0 ? query : undefined;
}

function bodyOf(body: Buffer, contentType: string | undefined): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const text = textual.test(contentType ?? "") ? body.toString("utf8") : undefined;
  if (text !== undefined && Buffer.byteLength(text) === body.length) return { body: text, isBase64Encoded: false };
  return { body: body.toString("base64"), isBase64Encoded: true };
}

/** `22/Nov/2026:21:14:00 +0000` */
function commonLogTime(at: Date): string {
  const [, day, month, year, time] = at.toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

/**
 * The event of API Gateway: payload format 2.0 of an HTTP API with one `$default` route
 * (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
 * @throws Refused
 */
export function toEvent(request: IncomingMessage, body: Buffer, at = new Date()): APIGatewayProxyEventV2 {
  const { rawPath, rawQueryString } = pathOf(request.url ?? "/");
  const { headers, cookies } = headersOf(request);
  const sourceIp = request.socket.remoteAddress ?? "127.0.0.1";
  const trace = `Root=1-${Math.floor(at.getTime() / 1000).toString(16)}-${randomBytes(12).toString("hex")}`;
  const queryStringParameters = queryOf(rawQueryString);
  delete headers["transfer-encoding"];
  delete headers.connection;
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: {
      ...headers,
      "content-length": String(body.length),
      "x-amzn-trace-id": headers["x-amzn-trace-id"] ?? trace,
      "x-forwarded-for": headers["x-forwarded-for"] ? `${headers["x-forwarded-for"]}, ${sourceIp}` : sourceIp,
      "x-forwarded-port": headers.host?.match(/:(\d+)$/)?.[1] ?? "80",
      "x-forwarded-proto": "http",
    },
    ...(queryStringParameters ? { queryStringParameters } : {}),
    requestContext: {
      accountId: "000000000000",
      apiId: "local",
      domainName: "localhost",
      domainPrefix: "localhost",
      http: {
        method: request.method ?? "GET",
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: commonLogTime(at),
      timeEpoch: at.getTime(),
    },
    ...bodyOf(body, headers["content-type"]),
  };
}

/**
 * The event of a function URL: the same payload format with an anonymous caller
 * (docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html). @throws Refused
 */
export function toUrlEvent(request: IncomingMessage, body: Buffer, at = new Date()): APIGatewayProxyEventV2 {
  const event = toEvent(request, body, at);
  return { ...event, requestContext: { ...event.requestContext, accountId: "anonymous" } };
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
}

/** An answer of API Gateway itself. */
export function say(status: number, message: string): Answer {
  return { status, headers: { "content-type": "application/json" }, body: Buffer.from(JSON.stringify({ message })) };
}

const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "trailer"]);

const toBytes = (body: string | Buffer) => (typeof body === "string" ? Buffer.from(body) : body);

/** The HTTP answer for a function's result, whose body may be text or its bytes; one without `statusCode` is JSON. */
export function toAnswer(result: unknown): Answer {
  if (typeof result !== "object" || result === null || !("statusCode" in result)) {
    const body = typeof result === "string" ? result : JSON.stringify(result);
    return { status: 200, headers: { "content-type": "application/json" }, body: Buffer.from(body) };
  }
  const { statusCode, headers = {}, cookies, body = "", isBase64Encoded } = result as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599 || !(typeof body === "string" || Buffer.isBuffer(body)))
    return say(500, "Internal Server Error");
  const kept = Object.entries(headers as Record<string, unknown>)
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    .filter(([name]) => !hopByHop.has(name));
  const setCookie: Answer["headers"] = Array.isArray(cookies) ? { "set-cookie": cookies.map(String) } : {};
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...Object.fromEntries(kept), ...setCookie },
    body: isBase64Encoded === true ? Buffer.from(String(body), "base64") : toBytes(body),
  };
}

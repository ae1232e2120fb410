import { connect } from "node:net";
import { inject } from "vitest";

export interface Raw {
  method?: string;
  /** As it goes over the wire: nothing is encoded or tidied up. */
  path: string;
  /** In order, and doubled when given twice. */
  headers?: readonly (readonly [string, string])[];
  body?: string | Uint8Array;
  /** In pieces and without a Content-Length. */
  chunked?: boolean;
  /** The client's address: all of 127.0.0.0/8 is this machine. */
  from?: string;
  /** Another place than the shared system's gateway. */
  to?: string;
}

export interface RawAnswer {
  /** 0 when the connection was cut instead. */
  status: number;
  headers: Record<string, string>;
  text: string;
}

const bytesOf = (body: string | Uint8Array) => (typeof body === "string" ? Buffer.from(body) : body);

function message({ method = "GET", path, headers = [], body, chunked }: Raw, host: string): Buffer {
  const bytes = body === undefined ? new Uint8Array() : bytesOf(body);
  const own = headers.map(([name]) => name.toLowerCase());
  const length: [string, string][] = chunked
    ? [["transfer-encoding", "chunked"]]
    : body === undefined || own.includes("content-length")
      ? []
      : [["content-length", String(bytes.length)]];
  const lines = [["host", host] as const, ["connection", "close"] as const, ...length, ...headers];
  const head = `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const pieces = chunked
    ? [Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")]
    : [bytes];
  return Buffer.concat([Buffer.from(head, "latin1"), ...pieces]);
}

function parsed(answer: Buffer): RawAnswer {
  const end = answer.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, headers: {}, text: "" };
  const [first = "", ...lines] = answer.subarray(0, end).toString("latin1").split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const text = answer.subarray(end + 4).toString("utf8");
  return { status: Number(first.split(" ")[1]), headers: Object.fromEntries(headers), text };
}

/** A request that no well-behaved client would send, byte by byte. */
export function raw(request: Raw): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(request.to ?? inject("system").url);
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), ...(request.from && { localAddress: request.from }) });
    socket.on("data", (part) => parts.push(part));
    socket.on("error", () => undefined); // cut while we were still writing: what was said before counts
    socket.on("close", () => resolve(parsed(Buffer.concat(parts))));
    socket.write(message(request, host));
  });
}

/** What no answer may show: words of the database, of libraries, of files. */
export const internals =
  /pg_|constraint|drizzle|neon|postgres|\bselect\b[^`]+\bfrom\b|node_modules|\bat .+:\d+:\d+|\.(ts|mjs|js)\b|stack/i;

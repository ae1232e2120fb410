import { createHash } from "node:crypto";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Bytes from which on an answer is compressed: below it, the gain is smaller than a packet. */
const LEAST = 1024;
const TEXTUAL = /^(?:text\/|image\/svg|application\/(?:[\w.+-]*\+)?(?:json|javascript))/;

type Headers = Record<string, string>;

/** What the function answers, with single headers. */
export interface Result {
  readonly statusCode: number;
  readonly headers: Headers;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}
type Request = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
};

/** A public document, which is the same for everybody, so that its forms are made once in a process. */
interface Kept {
  readonly source: string;
  readonly etag: string;
  readonly encoded: Map<string, string>;
}
const kept = new Map<string, Kept>();

const isPublic = (headers: Headers) => (headers["cache-control"] ?? "").startsWith("public");

function keep(path: string, source: string): Kept {
  const known = kept.get(path);
  if (known?.source === source) return known;
  const etag = `W/"${createHash("sha256").update(source).digest("base64url").slice(0, 22)}"`;
  const made = { source, etag, encoded: new Map<string, string>() };
  if (kept.size < 50) kept.set(path, made); // paths that are not there have no public answers
  return made;
}

/** The encoding that the client accepts and prefers; Brotli only for what is kept, because it costs more. */
function encodingFor(accepted: string, isKept: boolean): "br" | "gzip" | undefined {
  const accepts = (name: string) =>
    new RegExp(`(?:^|,)\\s*${name}\\s*(?:;\\s*q=(?!0(?:\\.0*)?\\s*(?:,|$))[\\d.]+\\s*)?(?:,|$)`).test(accepted);
  if (isKept && accepts("br")) return "br";
  return accepts("gzip") ? "gzip" : undefined;
}

const encode = (text: string, encoding: "br" | "gzip"): string =>
  (encoding === "br"
    ? brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
    : gzipSync(text, { level: 4 })
  ).toString("base64");

const opaque = (etag: string) => etag.trim().replace(/^W\//, "");

const isUnchanged = (etag: string, wanted = ""): boolean =>
  wanted.split(",").some((one) => opaque(one) === opaque(etag));

/**
 * The answer as it travels: compressed when it is large, and 304 without a body when the client has this version of a
 * public document. A resource is answered each time. API Gateway compresses nothing by itself. Small answers pass untouched.
 */
export function encodeAnswer(request: Request, result: Result): Result {
  const { headers, body } = result;
  const reads = request.method === "GET" || request.method === "HEAD";
  const document = reads && result.statusCode === 200 && isPublic(headers) ? keep(request.path, body) : undefined;
  if (document) headers.etag = document.etag;
  if (document && isUnchanged(document.etag, request.headers["if-none-match"])) {
    const { "content-type": _, "content-length": __, ...rest } = headers;
    return { ...result, statusCode: 304, headers: rest, body: "", isBase64Encoded: false };
  }
  if (body.length < LEAST || result.isBase64Encoded || !TEXTUAL.test(headers["content-type"] ?? "")) return result;
  const encoding = encodingFor(request.headers["accept-encoding"] ?? "", document !== undefined);
  if (!encoding) return result;
  const known = document?.encoded.get(encoding);
  const encoded = known ?? encode(body, encoding);
  document?.encoded.set(encoding, encoded);
  headers["content-encoding"] = encoding;
  delete headers["content-length"];
  return { ...result, body: encoded, isBase64Encoded: true };
}

import { Failure, malformed } from "../../core/kernel/error.js";

/** Bytes of a decoded body. A false Content-Length changes nothing, because the code never reads that header. */
const BODY_LIMIT = 256 * 1024;
const DEPTH = 32;
/** In the whole body, and at one place of it, because a schema is asked about each of them. */
const MEMBERS = 10_000;
const MEMBERS_OF_OBJECT = 200;
const ELEMENTS_OF_ARRAY = 500;

/**
 * The JSON of a request, bounded in size, depth and count.
 * @throws Failure malformed or too_large
 */
export async function readJson(request: Request): Promise<{ json: unknown; bytes: Uint8Array }> {
  if (!request.body) return { json: undefined, bytes: new Uint8Array() }; // a read: no stream is opened for it
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.length > BODY_LIMIT)
    throw new Failure("too_large", "body_too_large", `The body exceeds ${BODY_LIMIT} bytes.`);
  if (bytes.length === 0) return { json: undefined, bytes };
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type && type !== "application/json" && !type.endsWith("+json")) {
    throw malformed("content_type_unsupported", "The body must be application/json.");
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed("json_invalid", "The body is not valid JSON in UTF-8.");
  }
  checkValue(json, 0, { members: 0 });
  return { json, bytes };
}

/** Postgres cannot store U+0000, and a lone surrogate is no text. @throws Failure malformed */
export function checkText(text: string): void {
  if (text.includes("\0") || !isWellFormed(text)) {
    throw malformed("text_invalid", "Text must not contain U+0000 or a lone surrogate.");
  }
}

/** @throws Failure malformed */
function checkWidth(value: object): void {
  if (Array.isArray(value)) {
    if (value.length <= ELEMENTS_OF_ARRAY) return;
    throw malformed("json_too_large", `An array of the JSON has more than ${ELEMENTS_OF_ARRAY} elements.`);
  }
  if (Object.keys(value).length <= MEMBERS_OF_OBJECT) return;
  throw malformed("json_too_large", `An object of the JSON has more than ${MEMBERS_OF_OBJECT} members.`);
}

function checkValue(value: unknown, depth: number, seen: { members: number }): void {
  if (typeof value === "string") checkText(value);
  if (value === null || typeof value !== "object") return;
  checkWidth(value);
  if (depth >= DEPTH) throw malformed("json_too_deep", `The JSON is nested more than ${DEPTH} levels deep.`);
  for (const [name, item] of Object.entries(value)) {
    seen.members += 1;
    if (seen.members > MEMBERS) throw malformed("json_too_large", `The JSON has more than ${MEMBERS} members.`);
    checkText(name);
    if (name === "__proto__") throw malformed("json_invalid", "A JSON member must not be named `__proto__`.");
    checkValue(item, depth + 1, seen);
  }
}

const isWellFormed = (text: string) => !/[\uD800-\uDFFF]/u.test(text);

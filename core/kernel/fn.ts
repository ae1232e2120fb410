import type * as z from "zod";
import { type FieldError, invalid } from "./error.js";

/** Fields that one answer names; `more` counts the others. */
export const MAX_ERRORS = 50;
/** Characters of a pointer and of a detail: an unknown field's name is as long as the client likes. */
const MAX_TEXT = 300;

/**
 * The issues of zod as RFC 6901 pointers, and how many there are beyond them. An unknown field gets a short text, because
 * zod's message lists all unknown fields.
 */
function fieldErrors({ issues }: z.ZodError): { errors: FieldError[]; more: number } {
  const errors: FieldError[] = [];
  let count = 0;
  const add = (path: readonly PropertyKey[], detail: string) => {
    count += 1;
    if (errors.length < MAX_ERRORS) errors.push({ pointer: pointer(path), detail: detail.slice(0, MAX_TEXT) });
  };
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") add(issue.path, issue.message);
    else for (const key of issue.keys) add([...issue.path, key], "is not a field of this request");
  }
  return { errors, more: count - errors.length };
}

const pointer = (path: readonly PropertyKey[]) => {
  const text = path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
};

/** @throws Failure invalid, with the path of each field that does not fit */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { errors, more } = fieldErrors(result.error);
  throw invalid("invalid_request", "The request does not match its schema; see `errors`.", {
    errors,
    ...(more > 0 && { data: { more } }),
  });
}

/** A domain function with its schema, which is also the validator of the route that calls it. */
export function fn<Schema extends z.ZodType, Result>(schema: Schema, run: (input: z.output<Schema>) => Result) {
  return Object.assign((input: z.input<Schema>): Result => run(parse(schema, input)), { schema });
}

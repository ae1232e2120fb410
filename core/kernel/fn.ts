import type * as z from "zod";
import { type FieldError, invalid } from "./error.js";

/** Fields that one answer names: a body may have thousands at fault. */
const MAX_ERRORS = 100;

/**
 * The issues of zod as RFC 6901 pointers. An unknown field gets a short text, because zod's message lists all unknown
 * fields.
 */
const fieldErrors = (error: z.ZodError): FieldError[] =>
  error.issues
    .flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => ({
            pointer: pointer([...issue.path, key]),
            detail: "is not a field of this request",
          }))
        : [{ pointer: pointer(issue.path), detail: issue.message }],
    )
    .slice(0, MAX_ERRORS);

const pointer = (path: readonly PropertyKey[]) =>
  path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** @throws Failure invalid, with the path of each field that does not fit */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalid("invalid_request", "The request does not match its schema; see `errors`.", {
    errors: fieldErrors(result.error),
  });
}

/** A domain function with its schema, which is also the validator of the route that calls it. */
export function fn<Schema extends z.ZodType, Result>(schema: Schema, run: (input: z.output<Schema>) => Result) {
  return Object.assign((input: z.input<Schema>): Result => run(parse(schema, input)), { schema });
}

import type * as z from "zod";
import { invalid } from "./error.js";
import { fieldErrors } from "./field-error.js";

/** @throws Failure invalid, with the path of each field that does not fit, and what to send instead */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const { errors, more } = fieldErrors(schema, input, result.error);
  throw invalid("invalid_request", "The request does not match its schema; see `errors`.", {
    errors,
    ...(more > 0 && { data: { more } }),
  });
}

/** A domain function with its schema, which is also the validator of the route that calls it. */
export function fn<Schema extends z.ZodType, Result>(schema: Schema, run: (input: z.output<Schema>) => Result) {
  return Object.assign((input: z.input<Schema>): Result => run(parse(schema, input)), { schema });
}

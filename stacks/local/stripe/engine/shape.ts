import { z } from "zod";
import { type Failure, refused } from "./failure.js";
import type { Raw } from "./form.js";

/** A codec from a form's string to a value, with Stripe's message for an invalid one. */
const codec = <Value>(code: string, message: (text: string) => string, read: (text: string) => Value | undefined) =>
  z.string().transform((text, context) => {
    const value = read(text);
    if (value !== undefined) return value;
    context.issues.push({ code: "custom", input: text, params: { code }, message: message(text) });
    return z.NEVER;
  });

export const integer = codec(
  "parameter_invalid_integer",
  (text) => `Invalid integer: ${text}`,
  (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : undefined),
);
export const positive = integer.refine((value) => value >= 1, {
  message: "This value must be greater than or equal to 1.",
  params: { code: "parameter_invalid_integer" },
});
export const natural = integer.refine((value) => value >= 0, {
  message: "This value must be greater than or equal to 0.",
  params: { code: "parameter_invalid_integer" },
});
export const decimal = codec(
  "",
  (text) => `Invalid decimal: ${text}`,
  (text) => (/^\d{1,15}(\.\d{1,12})?$/.test(text) ? text : undefined),
);
export const flag = codec(
  "",
  (text) => `Invalid boolean: ${text}`,
  (text) => (text === "true" ? true : text === "false" ? false : undefined),
);
/** A non-empty string: Stripe reads an empty one as a request to unset. */
export const text = z.string().min(1, {
  error:
    "You passed an empty string. We assume empty values are an attempt to unset a parameter; but it cannot be unset.",
});
export const oneOf = <const Values extends readonly [string, ...string[]]>(...values: Values) => z.enum(values);
/** Also `""`, which unsets: `null`. */
export const emptyable = <Shape extends z.ZodType>(shape: Shape) =>
  z.union([z.literal("").transform(() => null), shape]);

/** Unix seconds. */
export const timestamp = natural;
/** A currency code; amount.ts checks that Stripe knows it. */
export const currency = text;
/** @see https://docs.stripe.com/api/metadata: 50 keys of 40 characters, values of 500 */
export const metadata = emptyable(
  z
    .record(
      z.string().max(40, "Metadata keys can have up to 40 characters."),
      z.string().max(500, "Metadata values can have up to 500 characters."),
    )
    .refine((map) => Object.keys(map).length <= 50, "You can have up to 50 metadata keys."),
);

/** Merges metadata: `""` for a key removes it, `""` for the whole removes all. */
export function merge(old: Record<string, string>, change: Record<string, string> | null | undefined) {
  if (change === undefined) return old;
  if (change === null) return {};
  return Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value !== ""));
}

const range = z.union([
  z.strictObject({
    gt: timestamp.optional(),
    gte: timestamp.optional(),
    lt: timestamp.optional(),
    lte: timestamp.optional(),
  }),
  timestamp,
]);
const limit = integer.refine((value) => value >= 1 && value <= 100, {
  message: "Invalid integer: limit must be between 1 and 100.",
  params: { code: "parameter_invalid_integer" },
});
/** The parameters of every list; spread into the shape of one. */
export const listing = {
  limit: limit.optional(),
  starting_after: text.optional(),
  ending_before: text.optional(),
  created: range.optional(),
};
export const nothing = z.strictObject({});

const named = ([first, ...rest]: readonly PropertyKey[]) =>
  first === undefined ? undefined : String(first) + rest.map((part) => `[${String(part)}]`).join("");

function explain(issue: z.core.$ZodIssue, raw: unknown): Failure {
  if (issue.code === "invalid_union") {
    const inner = issue.errors.toSorted((a, b) => (b[0]?.path.length ?? 0) - (a[0]?.path.length ?? 0))[0]?.[0];
    if (inner) return explain({ ...inner, path: [...issue.path, ...inner.path] }, raw);
  }
  const param = named(issue.path);
  if (issue.code === "unrecognized_keys") {
    const unknown = named([...issue.path, issue.keys[0] ?? ""]);
    return refused(`Received unknown parameter: ${unknown}`, { code: "parameter_unknown", param: unknown });
  }
  const value = issue.path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown>)?.[part], raw);
  if (issue.code === "invalid_type" && value === undefined)
    return refused(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  if (issue.code === "invalid_type")
    return refused(`Invalid ${issue.expected === "string" ? "string" : "object"}: ${JSON.stringify(value)}`, { param });
  if (issue.code === "invalid_value")
    return refused(`Invalid ${param}: must be one of ${issue.values.map(String).join(", ")}`, { param });
  if (issue.code === "too_small" && value === "")
    return refused(issue.message, { code: "parameter_invalid_empty", param });
  const { code } = (issue.code === "custom" && issue.params) || {};
  return refused(issue.message, { ...(code && { code: String(code) }), param });
}

/** @throws Failure for the first invalid parameter */
export function checked<Shape extends z.ZodType>(shape: Shape, raw: Raw): z.output<Shape> {
  const result = shape.safeParse(raw);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw issue ? explain(issue, raw) : refused("Invalid request.");
}

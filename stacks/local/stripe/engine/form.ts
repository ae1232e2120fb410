import { parse } from "qs";

/** A decoded form: strings, lists and nested fields. */
export type Raw = { [name: string]: RawValue };
type RawValue = string | RawValue[] | Raw;

/** @throws URIError for broken escapes, which the library's own decoder lets pass */
const decode = (text: string) => decodeURIComponent(text.replaceAll("+", " "));

/** Decodes a form body or query in Stripe's bracket notation. @throws URIError for broken escapes */
export const decodeForm = (text: string): Raw =>
  parse(text, {
    decoder: decode,
    plainObjects: true,
    duplicates: "last",
    arrayLimit: 1000,
    depth: 10,
    parameterLimit: Number.POSITIVE_INFINITY,
  }) as Raw;

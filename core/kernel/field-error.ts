import type * as z from "zod";
import type { FieldError } from "./error.js";
import { describeShapes, type Shape, shapeOf, shapesAt } from "./expectation.js";

/** Fields that one answer names; `more` counts the others. */
const MAX_ERRORS = 50;
/** Characters of a pointer and of a detail: an unknown field's name is as long as the client likes. */
const MAX_TEXT = 300;
/** Characters of an unknown name that are compared with the known ones. */
const MAX_NAME = 50;

type Issue = z.core.$ZodIssue;

const pointer = (path: readonly PropertyKey[]) => {
  const text = path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
};

/** Single letters that are added, removed or changed between two words. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[other.length] ?? 0;
}

const bare = (name: string) => name.toLowerCase().replace(/[_-]/g, "");

/** The known name that is most like the unknown one, for "did you mean". */
function nearest(given: string, names: readonly string[]): string | undefined {
  const asked = bare(given.slice(0, MAX_NAME));
  const near = names.map((name) => ({ name, far: distance(asked, bare(name)) })).sort((a, b) => a.far - b.far)[0];
  return near && near.far <= Math.max(1, Math.floor(near.name.length / 3)) ? near.name : undefined;
}

/** What to say of a field that the schema does not know. */
function unknownKey(key: string, parents: readonly Shape[]): string {
  const names = [...new Set(parents.flatMap(({ properties = {} }) => Object.keys(properties)))];
  const meant = nearest(key, names);
  if (meant !== undefined) return `is not known: did you mean \`${meant}\`?`;
  if (names.length === 0) return "is not known: leave it out.";
  const all = names.map((name) => `\`${name}\``).join(", ");
  return all.length < MAX_TEXT / 2 ? `is not known: the fields are ${all}.` : "is not known: leave it out.";
}

/** The validator's own words, which its users never see; the words of a schema's author are kept. */
const isDefault = (message: string) => /^(?:Invalid|Too (?:small|big)|Unrecognized)\b/.test(message);

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((value, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part], input);

/** Continues the sentence that the field's name begins. */
function detailOf(issue: Issue, root: Shape, input: unknown): string {
  const wanted = describeShapes(shapesAt(root, issue.path));
  if (issue.code !== "custom" && issue.path.length > 0 && valueAt(input, issue.path) === undefined)
    return wanted ? `is required: send ${wanted}` : "is required";
  if (!isDefault(issue.message)) return issue.message;
  return wanted ? `must be ${wanted}` : "does not fit";
}

/**
 * The issues of a schema as RFC 6901 pointers with what to send instead, and how many there are beyond them. The names
 * of unknown fields stand in their own error only, so that an answer does not grow with the square of a request.
 */
export function fieldErrors(
  schema: z.ZodType,
  input: unknown,
  { issues }: z.ZodError,
): { errors: FieldError[]; more: number } {
  const root = shapeOf(schema);
  const errors: FieldError[] = [];
  let count = 0;
  const add = (path: readonly PropertyKey[], detail: () => string) => {
    count += 1;
    if (errors.length < MAX_ERRORS) errors.push({ pointer: pointer(path), detail: detail().slice(0, MAX_TEXT) });
  };
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") add(issue.path, () => detailOf(issue, root, input));
    else for (const key of issue.keys) add([...issue.path, key], () => unknownKey(key, shapesAt(root, issue.path)));
  }
  return { errors, more: count - errors.length };
}

/** `/lines/0/quantity` is the field `quantity`, `/lines/0` element 0 of `lines`, and `cursor` a parameter. */
function nameOf(pointer: string): string {
  const parts = pointer.split("/").slice(1);
  const last = parts.at(-1)?.replaceAll("~1", "/").replaceAll("~0", "~").slice(0, MAX_NAME);
  if (last === undefined) return pointer === "" ? "The body" : `The parameter \`${pointer}\``;
  return /^\d+$/.test(last) && parts.length > 1 ? `Element ${last} of \`${parts.at(-2)}\`` : `The field \`${last}\``;
}

/** The error as one sentence: a detail that continues the name of its field gets that name for its beginning. */
export function toSentence({ pointer, detail }: FieldError): FieldError {
  const whole = /^[\p{Ll}\d]/u.test(detail) ? `${nameOf(pointer)} ${detail}` : detail;
  return { pointer, detail: /[.?!…]$/.test(whole) ? whole : `${whole}.` };
}

/** What a form carries: text, lists and nested fields. */
export type Raw = { [name: string]: RawValue };
export type RawValue = string | RawValue[] | Raw;

const decode = (text: string) => decodeURIComponent(text.replaceAll("+", " "));

/** `a[b][0]` is a, b, 0; `a[]` is a and an empty part. */
function parts(name: string): string[] {
  const open = name.indexOf("[");
  if (open <= 0 || !name.endsWith("]")) return [name];
  return [name.slice(0, open), ...name.slice(open + 1, -1).split("][")];
}

const isRaw = (value: RawValue | undefined): value is Raw => typeof value === "object" && !Array.isArray(value);

/** Puts the text at its place; `a[]` takes the next free number. */
function place(target: Raw, [head = "", ...rest]: string[], text: string) {
  const name = head === "" ? String(Object.keys(target).length) : head;
  if (rest.length === 0) {
    target[name] = text;
    return;
  }
  const inner = target[name];
  const next: Raw = isRaw(inner) ? inner : Object.create(null);
  target[name] = next;
  place(next, rest, text);
}

/** Fields that are numbered from 0 are a list. */
function settle(raw: Raw): RawValue {
  const names = Object.keys(raw);
  for (const name of names) {
    const value = raw[name];
    if (isRaw(value)) raw[name] = settle(value);
  }
  if (names.length === 0 || !names.every((name) => /^\d+$/.test(name))) return raw;
  return names.sort((a, b) => Number(a) - Number(b)).flatMap((name) => raw[name] ?? []);
}

/** Decodes a form body or query in Stripe's bracket notation. @throws URIError for broken escapes */
export function decodeForm(text: string): Raw {
  const raw: Raw = Object.create(null);
  for (const pair of text.split("&")) {
    if (!pair) continue;
    const at = pair.indexOf("=");
    const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    place(raw, parts(decode(name)), decode(value));
  }
  for (const name of Object.keys(raw)) {
    const value = raw[name];
    if (isRaw(value)) raw[name] = settle(value);
  }
  return raw;
}

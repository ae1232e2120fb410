import { BlockList, isIP } from "node:net";
import { AwsError } from "./aws-json.js";

/** A compiled event pattern; undefined is a field that is not there. */
export type Matches = (event: unknown) => boolean;
type Test = (leaf: unknown) => boolean;
type Json = Readonly<Record<string, unknown>>;

const bad = (reason: string) =>
  new AwsError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${reason}`);

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function requireText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw bad(`${name} match pattern must be a string`);
}

const onText =
  (test: (text: string) => boolean): Test =>
  (leaf) =>
    typeof leaf === "string" && test(leaf);

/** `prefix` and `suffix` take a text or `{ "equals-ignore-case": text }`. */
function affix(name: "prefix" | "suffix", given: unknown): Test {
  const method = name === "prefix" ? "startsWith" : "endsWith";
  if (!isObject(given)) {
    const wanted = requireText(name, given);
    return onText((text) => text[method](wanted));
  }
  const wanted = requireText(name, given["equals-ignore-case"]).toLowerCase();
  return onText((text) => text.toLowerCase()[method](wanted));
}

function ignoreCase(given: unknown): Test {
  const wanted = requireText("equals-ignore-case", given).toLowerCase();
  return onText((text) => text.toLowerCase() === wanted);
}

function wildcard(given: unknown): Test {
  const wanted = requireText("wildcard", given);
  if (/(?<!\\)\*\*/.test(wanted)) throw bad("Consecutive wildcard characters");
  if (/(?<!\\)(\\\\)*\\(?![*\\])/.test(wanted)) throw bad("Invalid escape character");
  const source = wanted.replace(/\\([*\\])|[\s\S]/g, (char, escaped?: string) => {
    if (char === "*") return "[\\s\\S]*";
    return (escaped ?? char).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  const expression = new RegExp(`^${source}$`);
  return onText((text) => expression.test(text));
}

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  "=": (a, b) => a === b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

function numeric(given: unknown): Test {
  if (!Array.isArray(given) || (given.length !== 2 && given.length !== 4)) throw bad("Bad numeric range");
  const bounds = given.flatMap((operator: unknown, index) => {
    if (index % 2 === 1) return [];
    const compare = typeof operator === "string" ? comparisons[operator] : undefined;
    const bound: unknown = given[index + 1];
    if (!compare || typeof bound !== "number") throw bad(`Unrecognized numeric range operator: ${String(operator)}`);
    return [(value: number) => compare(value, bound)];
  });
  return (leaf) => typeof leaf === "number" && bounds.every((holds) => holds(leaf));
}

const familyOf = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4");

function cidr(given: unknown): Test {
  const [address = "", bits = ""] = requireText("cidr", given).split("/");
  const most = isIP(address) === 6 ? 128 : 32;
  if (!isIP(address) || !/^\d{1,3}$/.test(bits) || Number(bits) > most) throw bad("Malformed CIDR, one '/' required");
  const block = new BlockList();
  block.addSubnet(address, Number(bits), familyOf(address));
  return onText((text) => isIP(text) > 0 && block.check(text, familyOf(text)));
}

const equals =
  (wanted: unknown): Test =>
  (leaf) =>
    leaf === wanted;

function anyOf(given: unknown, each: (one: unknown) => Test): Test {
  const list: unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw bad("Empty arrays are not allowed");
  const tests = list.map(each);
  return (leaf) => tests.some((test) => test(leaf));
}

function filter(name: string, given: unknown): Test {
  if (name === "prefix" || name === "suffix") return affix(name, given);
  if (name === "equals-ignore-case") return ignoreCase(given);
  if (name === "wildcard") return wildcard(given);
  if (name === "numeric") return numeric(given);
  if (name === "cidr") return cidr(given);
  throw bad(`Unrecognized match type ${name}`);
}

function onlyEntry(object: Json): [string, unknown] {
  const [entry, ...more] = Object.entries(object);
  if (!entry || more.length > 0) throw bad("Only one key allowed in match expression");
  return entry;
}

function anythingBut(given: unknown): Test {
  const test = isObject(given) ? butFilter(...onlyEntry(given)) : anyOf(given, butValue);
  return (leaf) => !test(leaf);
}

function butFilter(name: string, given: unknown): Test {
  if (!["prefix", "suffix", "equals-ignore-case", "wildcard"].includes(name))
    throw bad(`Unsupported anything-but pattern: ${name}`);
  return anyOf(given, (one) => {
    if (one === "" && (name === "prefix" || name === "suffix")) throw bad(`Null prefix/suffix not allowed`);
    return filter(name, requireText(name, one));
  });
}

function butValue(one: unknown): Test {
  if (typeof one === "string" || typeof one === "number") return equals(one);
  throw bad("Inside anything but list, start|null|boolean is not supported.");
}

/** Whether the leaves of one field (several, if it is an array) satisfy one alternative of the pattern. */
function alternative(given: unknown): (leaves: readonly unknown[]) => boolean {
  if (Array.isArray(given)) throw bad("Arrays within arrays are not allowed");
  const [name, value] = isObject(given) ? onlyEntry(given) : ["", given];
  if (name === "exists") {
    if (typeof value !== "boolean") throw bad("exists match pattern must be either true or false.");
    return (leaves) => leaves.length > 0 === value;
  }
  const test = name === "" ? equals(value) : name === "anything-but" ? anythingBut(value) : filter(name, value);
  return (leaves) => leaves.some(test);
}

const leavesOf = (value: unknown): unknown[] => {
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return value === undefined || isObject(value) ? [] : [value];
};

function field(given: unknown): Matches {
  if (isObject(given)) {
    const inside = object(given);
    return (value) => (Array.isArray(value) ? value.some(inside) : inside(value));
  }
  if (!Array.isArray(given)) throw bad("Match value must be an object or an array");
  if (given.length === 0) throw bad("Empty arrays are not allowed");
  const alternatives = given.map(alternative);
  return (value) => {
    const leaves = leavesOf(value);
    return alternatives.some((holds) => holds(leaves));
  };
}

function or(given: unknown): Matches {
  if (!Array.isArray(given) || given.length < 2 || !given.every(isObject)) throw bad("$or takes two patterns or more");
  const patterns = given.map(object);
  return (event) => patterns.some((matches) => matches(event));
}

function object(given: Json): Matches {
  const fields = Object.entries(given).map(([name, value]): Matches => {
    if (name === "$or") return or(value);
    const matches = field(value);
    return (event) => matches(isObject(event) && Object.hasOwn(event, name) ? event[name] : undefined);
  });
  if (fields.length === 0) throw bad("Empty objects are not allowed");
  return (event) => fields.every((matches) => matches(event));
}

/** The content filters of EventBridge (user guide, "Comparison operators"). @throws AwsError InvalidEventPatternException */
export function compilePattern(text: string): Matches {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch {
    throw bad("Filter is not JSON");
  }
  if (!isObject(pattern)) throw bad("Filter is not an object");
  return object(pattern);
}

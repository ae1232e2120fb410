import type { Resource, Synthesis } from "./synthesis.js";

/** How Pulumi marks a value that it encrypts in its state. */
const SECRET = "4dabf18193072939515e22adb298388d";

const isSecret = (value: unknown): value is { value: unknown } => isRecord(value) && SECRET in value;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** The inputs without the marks of secrets. */
function plain(value: unknown): unknown {
  if (isSecret(value)) return plain(value.value);
  if (Array.isArray(value)) return value.map(plain);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
  return value;
}

/** Every string of a value that is not marked as a secret. */
export function openStrings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (!isRecord(value) || isSecret(value)) return [];
  return Object.values(value).flatMap(openStrings);
}

export interface Statement {
  readonly of: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principals: readonly string[];
  readonly conditions: unknown;
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const strings = (value: unknown): string[] =>
  isRecord(value) ? Object.values(value).flatMap(strings) : list(value).map(String);

/** Both spellings: IAM's own JSON, and the arguments of `getPolicyDocument`, which stand for it here. */
function readStatement(of: string, statement: Record<string, unknown>): Statement {
  return {
    of,
    actions: strings(statement.actions ?? statement.Action),
    resources: strings(statement.resources ?? statement.Resource),
    principals: [
      ...list(statement.principals).flatMap((principal) => strings((principal as Record<string, unknown>).identifiers)),
      ...strings(statement.Principal),
    ],
    conditions: statement.conditions ?? statement.Condition,
  };
}

/** Policy documents wherever they are in the inputs, as text or not, so that no kind of resource is forgotten. */
function findStatements(of: string, value: unknown): Statement[] {
  if (typeof value === "string") {
    if (!/^\{.*"[sS]tatements?"/s.test(value)) return [];
    return findStatements(of, JSON.parse(value));
  }
  if (!isRecord(value)) return [];
  const own = value.statements ?? value.Statement;
  if (own !== undefined) return (list(own) as Record<string, unknown>[]).map((entry) => readStatement(of, entry));
  return Object.values(value).flatMap((entry) => findStatements(of, entry));
}

/** Questions to a synthesis. */
export function read({ resources }: Synthesis) {
  const custom = resources
    .filter((resource) => resource.custom)
    .map((resource) => ({ ...resource, inputs: plain(resource.inputs) as Resource["inputs"] }));

  /** @throws when there is none, or more than one */
  function one(type: string, name: string): Resource {
    const [found, ...more] = custom.filter((resource) => resource.type.endsWith(`:${type}`) && resource.name === name);
    if (!found || more.length > 0) throw new Error(`${more.length + (found ? 1 : 0)} resources ${type} "${name}"`);
    return found;
  }

  return {
    custom,
    one,
    all: (type: string) => custom.filter((resource) => resource.type.endsWith(`:${type}`)),
    statements: custom.flatMap((resource) => findStatements(resource.name, resource.inputs)),
    /** The last part of an ARN, which is the name of the resource here. */
    named: (arn: string) => arn.split(/[:/]/).at(-1) ?? "",
  };
}

/** Names that are generated anew in each synthesis, and those of the stage, made equal. */
export const withoutNames = (value: unknown, stage: string): unknown =>
  JSON.parse(
    JSON.stringify(value).replaceAll(new RegExp(`stoa-${stage}-(\\w+)-[a-z]{8}`, "g"), "stoa-stage-$1-generated"),
  );

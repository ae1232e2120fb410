import type * as z from "zod";

/** Names of fields whose value opens something: a page of a provider, a session, a cart, the whole API. */
const SECRET_NAME = /^(?:url|action|token|key)$|(?:Url|Token|Secret)$/;

interface Definition {
  shape?: Record<string, z.ZodType>;
  [part: string]: unknown;
}

const isSchema = (value: unknown): value is z.ZodType => typeof value === "object" && value !== null && "_zod" in value;

/** The schemas of which a schema consists, whatever its kind. */
function partsOf(definition: Definition): z.ZodType[] {
  const { shape = {}, getter, ...rest } = definition;
  const lazy = typeof getter === "function" ? [getter()] : [];
  return [...Object.values(shape), ...Object.values(rest).flat(), ...lazy].filter(isSchema);
}

function findSecret(schema: z.ZodType, seen: Set<z.ZodType>): boolean {
  if (seen.has(schema)) return false;
  seen.add(schema);
  const definition = schema._zod.def as unknown as Definition;
  if (Object.keys(definition.shape ?? {}).some((name) => SECRET_NAME.test(name))) return true;
  return partsOf(definition).some((part) => findSecret(part, seen));
}

const known = new WeakMap<z.ZodType, boolean>();

/** Whether answers of this shape carry a secret or the address of a provider's page: when stored, they are encrypted. */
export function carriesSecret(schema: z.ZodType | undefined): boolean {
  if (!schema) return false;
  const found = known.get(schema) ?? findSecret(schema, new Set());
  known.set(schema, found);
  return found;
}

import type { EventType } from "../../core/kernel/event/index.js";
import { eventUnion } from "./openapi-event.js";
import { allowNull, type Components, markInstants, Namer, nameMoney, type Part, usedOf } from "./openapi-part.js";
import { pascal, singular } from "./operation-name.js";

type Content = Record<string, { schema: Part }>;
interface Operation {
  operationId: string;
  requestBody?: { content: Content };
  responses: Record<string, { content?: Content }>;
}

interface Document {
  paths?: Record<string, unknown>;
  components?: { schemas?: unknown };
}

interface More {
  readonly responses: object;
  readonly headers: object;
  readonly codes: readonly string[];
  readonly events: readonly EventType[];
}

const VERB =
  /^(create|update|replace|delete|add|remove|complete|capture|refund|void|resolve|cancel|roll|adjust|retry|preview|change|accept|decline|connect|disconnect)(?=[A-Z])/;

/** `createProduct` takes a `ProductCreate`, `logIn` a `LogInRequest`. */
function bodyName(operationId: string): string {
  const verb = VERB.exec(operationId)?.[1];
  return verb ? operationId.slice(verb.length) + pascal(verb) : `${pascal(operationId)}Request`;
}

/** `listProducts` answers a `ProductList`. */
function answerName(operationId: string): string {
  const listed = /^list([A-Z].*)$/.exec(operationId)?.[1];
  return listed ? `${singular(listed)}List` : `${pascal(operationId)}Answer`;
}

const prepare = (schema: Part) => nameMoney(markInstants(allowNull(schema)));

function refineOperation(operation: Operation, namer: Namer): void {
  const { operationId, requestBody, responses } = operation;
  const refineContent = (content: Content | undefined, name: string) => {
    const media = content?.["application/json"];
    if (media) media.schema = namer.name(prepare(media.schema), name, 1);
  };
  const wanted = bodyName(operationId);
  refineContent(requestBody?.content, namer.components[wanted] ? `${pascal(operationId)}Request` : wanted);
  for (const { content } of Object.values(responses)) refineContent(content, answerName(operationId));
}

const byName = (components: Components): Components =>
  Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)));

/** A list of every code, for clients that decide by it. */
function withCodes(problem: Part | undefined, codes: readonly string[]): Part {
  const { properties = {} } = problem ?? {};
  return { ...problem, properties: { ...properties, code: { ...properties.code, enum: [...codes] } } };
}

/** The generated document as a reader wants it: named schemas, one Problem, instants that say so, and nothing unused. */
export function refine<Generated extends Document>(
  generated: Generated,
  { responses, headers, codes, events }: More,
): Generated {
  const components = (generated.components?.schemas ?? {}) as Components;
  for (const [name, schema] of Object.entries(components))
    components[name] = name === "Money" ? schema : prepare(schema);
  if (codes.length > 0) components.Problem = withCodes(components.Problem, codes);
  if (events.length > 0) components.Event = eventUnion(events, components.Event?.description);
  const namer = new Namer(components);
  for (const name of Object.keys(components)) components[name] = namer.nameInside(components[name] ?? {}, name);
  for (const operations of Object.values(generated.paths ?? {}))
    for (const operation of Object.values(operations as Record<string, Operation>)) refineOperation(operation, namer);
  const schemas = byName(usedOf([generated.paths, responses], components));
  return { ...generated, components: { ...generated.components, schemas, responses, headers } };
}

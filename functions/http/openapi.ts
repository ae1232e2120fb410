import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import * as z from "zod";
import type { EventType } from "../../core/kernel/event/index.js";
import type { Allow, Endpoint } from "./endpoint.js";
import { headers, headersFor, problemAnswers, problemRefs } from "./openapi-answer.js";
import { eventComponents } from "./openapi-event.js";
import { type Example, type Examples, exampleOf } from "./openapi-example.js";
import { describeParams } from "./openapi-parameter.js";
import { refine } from "./openapi-refinement.js";
import { tagOf, tagsOf } from "./openapi-tag.js";
import { operationName } from "./operation-name.js";
import { Problem } from "./problem.js";

const security: Record<Extract<Allow, string>, RouteConfig["security"]> = {
  public: [],
  tenant: [],
  shopper: [{ publishableKey: [] }, { secretKey: [] }],
  member: [{ accessToken: [] }],
};
const securityOf = (allow: Allow) =>
  typeof allow === "string" ? security[allow] : [{ accessToken: [] }, { secretKey: [] }];

function statusesOf({ method, spec }: Endpoint): number[] {
  const write = method !== "get";
  return [
    400,
    401,
    ...(spec.allow === "public" ? [] : [403]),
    ...(spec.allow === "public" ? [] : [404]), // also where there is one of a kind, and it is not there
    ...(write ? [409, 413] : []),
    ...(spec.ifMatch ? [412] : []),
    422,
    ...(spec.ifMatch === "required" ? [428] : []),
    429,
    503,
  ];
}

function headersOf({ method, spec }: Endpoint) {
  const key = z.string().min(1).max(255);
  const write = method !== "get" && spec.idempotency !== "none";
  const about = "A retry with the same key returns the first answer. Kept for 72 hours.";
  const described = {
    ...(write && {
      "idempotency-key": (spec.idempotency === "required" ? key : key.optional()).meta({ description: about }),
    }),
  };
  const version = z
    .string()
    .regex(spec.tag ? /^(\*|"?\d+(-[\w-]{22})?"?)$/ : /^(\*|"?\d+"?)$/)
    .meta({
      description:
        "The version of the resource that you have read, or its ETag; `*` for any version, where no other writer is to be noticed",
      examples: ['"1"'],
    });
  return z.object({
    ...described,
    ...(spec.cartToken && {
      "x-cart-token": z
        .string()
        .min(1)
        .max(200)
        .meta({ description: "The token of the cart, which also gives access to its order" }),
    }),
    ...(spec.ifMatch === "required" && { "if-match": version }),
    ...(spec.ifMatch === "optional" && { "if-match": version.optional() }),
    ...(spec.allow === "tenant" && {
      "x-tenant-id": z.string().max(100).optional().meta({ description: "Id or slug of the tenant" }),
    }),
  });
}

const answers = (endpoint: Endpoint, { response }: Example) => {
  const [status, schema] = endpoint.spec.returns;
  const common = { description: "Success", headers: headersFor(endpoint) };
  const json = { schema, ...exampleOf(response, "An answer") };
  return { [status]: schema ? { ...common, content: { "application/json": json } } : common };
};

/** The operation as OpenAPI describes it. */
function openApiPath(endpoint: Endpoint, example: Example = {}): RouteConfig {
  const { method, path, spec } = endpoint;
  const body = { schema: spec.body, ...exampleOf(example.request, spec.summary) };
  return {
    method,
    path,
    operationId: operationName(endpoint),
    tags: [tagOf(path)],
    summary: spec.summary,
    ...(spec.description && { description: spec.description }),
    security: securityOf(spec.allow),
    "x-allow": typeof spec.allow === "string" ? spec.allow : spec.allow.name, // the scope that it takes, which OpenAPI can say for OAuth only
    request: {
      ...(spec.params && { params: describeParams(path, spec.params) }),
      ...(spec.query && { query: spec.query }),
      headers: headersOf(endpoint),
      ...(spec.body && { body: { required: true, content: { "application/json": body } } }),
    },
    responses: { ...problemRefs(statusesOf(endpoint)), ...answers(endpoint, example) },
  } as RouteConfig;
}

interface Surroundings {
  readonly events?: readonly EventType[];
  /** Stable codes of errors. */
  readonly codes?: readonly string[];
  readonly examples?: Examples;
  /** Where the API is reached. */
  readonly url?: string;
}

const description = `Multi-tenant commerce. Amounts are integers in minor units, errors are RFC 9457 problems, lists are paginated with cursors.

**Credentials.** Every operation but those for strangers takes one credential as \`Authorization: Bearer …\`: a publishable key (\`pk_…\`) for a storefront in a browser, a secret key (\`sk_…\`) for a server, or a member's access token from \`logIn\`. The credential decides the tenant.

**Versions.** What can change has a \`version\` and an \`ETag\`, which differs whenever the body does; a write with \`If-Match\` is refused with 412 when another writer was faster.

**Retries.** Writes accept an \`Idempotency-Key\`, and where money or stock moves they require it: a retry with the same key returns the first answer.`;

/** The schemas with a name. They go first, because one that a nullable field names first would be nullable everywhere. */
function namedSchemas(): z.ZodType[] {
  const known = (z.globalRegistry as unknown as { _idmap: ReadonlyMap<string, z.ZodType> })._idmap;
  return [...known.values()];
}

const accessTokenText =
  "A member's access token. `POST /v1/auth/login` with `tenant` (the shop's slug), `email` and `password` answers one as `accessToken`, for ten minutes, and with it a `refreshToken`, which `POST /v1/auth/refresh` exchanges for the next two. On your own machine `npm start` prints a login.";
const secretKeyText =
  "A secret key, `sk_…`, for servers only. `POST /v1/admin/api-keys` with `kind: secret` and the `scopes` that it needs answers it once. `sk_test_…` belongs to the shop's twin in test mode.";
const publishableKeyText =
  "A publishable key, `pk_…`, for storefronts in a browser: it reads products, and opens carts and their orders by their tokens. `POST /v1/admin/api-keys` with `kind: publishable` answers it once.";

function registerCredentials(registry: OpenAPIRegistry): void {
  const bearer = (about: string) => ({ type: "http" as const, scheme: "bearer", description: about });
  registry.registerComponent("securitySchemes", "accessToken", bearer(accessTokenText));
  registry.registerComponent("securitySchemes", "secretKey", bearer(secretKeyText));
  registry.registerComponent("securitySchemes", "publishableKey", bearer(publishableKeyText));
}

/** The whole document, OpenAPI 3.1. */
export function document(
  endpoints: readonly Endpoint[],
  { events = [], codes = [], examples = {}, url }: Surroundings = {},
) {
  const registry = new OpenAPIRegistry();
  const named = [...new Set([...namedSchemas(), Problem, ...eventComponents(events)])];
  for (const endpoint of endpoints) registry.registerPath(openApiPath(endpoint, examples[operationName(endpoint)]));
  registerCredentials(registry);
  const schemas = named.map((schema) => ({ type: "schema" as const, schema }));
  const generated = new OpenApiGeneratorV31([...schemas, ...registry.definitions]).generateDocument({
    openapi: "3.1.0",
    info: { title: "Stoa", version: "1.0.0", description, license: { name: "Proprietary", url: "/docs" } },
    servers: [
      { url: url ?? "http://127.0.0.1:3000", description: url ? "This API" : "The usual place of `npm start`" },
    ],
    tags: tagsOf(endpoints.map(({ path }) => path)),
  });
  return refine(generated, { responses: problemAnswers, headers, codes, events });
}

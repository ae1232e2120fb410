import type { Context as HonoContext } from "hono";
import type * as z from "zod";
import type { Scope } from "../../core/kernel/access.js";
import type { AfterCommit } from "../../core/kernel/after-commit.js";
import type { Door } from "../../core/rate/index.js";

/**
 * The callers that an operation admits: `public` requires nothing, `tenant` the name of a tenant (`x-tenant-id` or
 * `?tenant=`) and no credential, `shopper` a publishable key, a customer or a secret key, `member` any member, a scope
 * a credential that has it.
 */
export type Allow = "public" | "tenant" | "shopper" | "member" | Scope;

export type IfMatch = "optional" | "required";

type Shape = z.ZodObject;
type Method = "get" | "post" | "put" | "patch" | "delete";

export interface Spec<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Body extends z.ZodType = z.ZodType,
  Returned extends z.ZodType = z.ZodType,
> {
  allow: Allow;
  /**
   * What limits the callers of an operation that is `public`, by their address. Its tokens are taken before anything of
   * the request is read.
   */
  door?: Door;
  /** Tokens of a call; of a list, for its smallest page. One for a read and two for a write when left out. */
  cost?: number;
  summary: string;
  description?: string;
  params?: Params;
  query?: Query;
  body?: Body;
  returns: readonly [200 | 201 | 202, Returned] | readonly [204];
  /** Takes rights or credentials away, so that it stays open however the tenant stands. */
  endsAccess?: true;
  /** Finds the rights and credentials that another operation takes away, and works as long as that one. */
  findsAccess?: true;
  /** Writes accept an Idempotency-Key; where money or stock moves they require it; `none` for an unknown caller. */
  idempotency?: "accepted" | "required" | "none";
  /** The handler opens its own transactions: it hashes a password or calls a provider in between. */
  transaction?: "own";
  /** Takes `If-Match` with the version that the caller has read. Without it the handler gets no version to compare. */
  ifMatch?: IfMatch;
  /**
   * The part of the ETag that stands for contents which the version does not count; `If-Match` takes an ETag with it.
   * Of the operations that take `If-Match`, only a binding one compares it.
   */
  tag?: (value: never) => string;
  /** Takes `x-cart-token`, which opens a cart and its order. */
  cartToken?: true;
}

export interface Input<Params extends Shape, Query extends Shape, Body extends z.ZodType> {
  params: z.output<Params>;
  query: z.output<Query>;
  body: z.output<Body>;
  /** The value of `x-cart-token`; empty when there is none. */
  cartToken: string;
  /** The second part of the ETag in `If-Match`, for operations with a `tag`. */
  tag: string | undefined;
  http: HonoContext;
}

/** The version from `If-Match`, for operations that take it; `*` is any version, and so is no header. */
type Version<Taken extends IfMatch | undefined> = Taken extends IfMatch ? { version: number | undefined } : object;

export interface Endpoint {
  method: Method;
  /** The path in OpenAPI's form: `/v1/admin/products/{id}`. */
  path: string;
  spec: Spec;
  handle(input: Input<Shape, Shape, z.ZodType> & Version<IfMatch>): Promise<unknown> | unknown;
}

/** The value of an operation, or of the call of a provider that follows the commit. */
type Handled<Value> = Value | AfterCommit<Value>;

/** One operation of the API: path, permission, input, output, handler. The compiler checks the answer's type. */
export function endpoint<
  Params extends Shape = z.ZodObject<z.ZodRawShape>,
  Query extends Shape = z.ZodObject<z.ZodRawShape>,
  Body extends z.ZodType = z.ZodUndefined,
  Returned extends z.ZodType = z.ZodUndefined,
  Taken extends IfMatch | undefined = undefined,
>(
  method: Method,
  path: string,
  spec: Spec<Params, Query, Body, Returned> & { ifMatch?: Taken },
  handle: (
    input: Input<Params, Query, Body> & Version<Taken>,
  ) => Handled<z.input<Returned>> | Promise<Handled<z.input<Returned>>>,
): Endpoint {
  return { method, path, spec, handle: handle as Endpoint["handle"] };
}

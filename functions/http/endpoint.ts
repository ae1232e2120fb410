import type { Context as HonoContext } from "hono";
import type * as z from "zod";
import type { Scope } from "../../core/kernel/access.js";
import type { AfterCommit } from "../../core/kernel/after-commit.js";

/**
 * Who may call: `public` needs nothing, `tenant` needs the name of a tenant (`x-tenant-id` or `?tenant=`) and no
 * credential, `shopper` a publishable key, a customer or a secret key, `member` any member, a scope whoever holds it.
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
  summary: string;
  description?: string;
  params?: Params;
  query?: Query;
  body?: Body;
  returns: readonly [200 | 201 | 202, Returned] | readonly [204];
  /** Writes accept an Idempotency-Key; where money or stock moves they require it; `none` where nobody is known yet. */
  idempotency?: "accepted" | "required" | "none";
  /** The handler opens its own transactions: it hashes a password or calls a provider in between. */
  transaction?: "own";
  /** Takes `If-Match` with the version that the caller has read. Without it the handler gets no version to compare. */
  ifMatch?: IfMatch;
  /** Takes `x-cart-token`, which opens a cart and its order. */
  cartToken?: true;
  /** The answer carries a secret: when stored, it is encrypted. */
  secret?: true;
}

export interface Input<Params extends Shape, Query extends Shape, Body extends z.ZodType> {
  params: z.output<Params>;
  query: z.output<Query>;
  body: z.output<Body>;
  /** From `x-cart-token`; empty when there is none. */
  cartToken: string;
  http: HonoContext;
}

/** The version from `If-Match`, for operations that take it; `*` is any version, and so is no header. */
type Version<Taken extends IfMatch | undefined> = Taken extends IfMatch ? { version: number | undefined } : object;

export interface Endpoint {
  method: Method;
  /** As OpenAPI writes it: `/v1/admin/products/{id}`. */
  path: string;
  spec: Spec;
  handle(input: Input<Shape, Shape, z.ZodType> & Version<IfMatch>): Promise<unknown> | unknown;
}

/** What calls a provider answers it later, when its transaction is committed. */
type Handled<Value> = Value | AfterCommit<Value>;

/** One operation of the API: path, who, in, out, call. The answer is checked against `returns` by the compiler. */
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

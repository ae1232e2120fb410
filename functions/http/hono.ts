import type { OpenAPIHono } from "@hono/zod-openapi";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";

/** The HTTP app; `event` and `lambdaContext` are there when it runs behind API Gateway. */
export type App = OpenAPIHono<AppEnv>;

export interface AppEnv {
  Bindings: { event?: LambdaEvent; lambdaContext?: LambdaContext };
}

import type { Hono } from "hono";
import type { LambdaContext, LambdaEvent } from "hono/aws-lambda";

/** The HTTP app; `event` and `lambdaContext` are there when it runs behind API Gateway. */
export type App = Hono<AppEnv>;

export interface AppEnv {
  Bindings: { event?: LambdaEvent; lambdaContext?: LambdaContext };
}

import type { MiddlewareHandler } from "hono";

const own = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Foreign web pages could reach a port of this machine by a name of their own (DNS rebinding), or post a form to it. */
export const ownPagesOnly: MiddlewareHandler = async ({ req }, next) => {
  const [host, origin] = [req.header("host") ?? "", req.header("origin")];
  const foreign = origin !== undefined && origin !== `http://${host}`;
  if (!foreign && own.test(host)) return next();
  const body = `${JSON.stringify({ message: "Only for this machine." }, null, 2)}\n`;
  return new Response(body, { status: 403, headers: { "content-type": "application/json" } });
};

import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { schedules } from "../../topology.js";
import { deadLetterOf, queueNames } from "../aws/endpoints.js";
import { mailboxPage, mailPage } from "../aws/mailbox.js";
import { readDemo } from "../demo/seed.js";
import type { Host } from "../host.js";
import { homePage } from "./home.js";
import { ownPagesOnly } from "./own.js";
import { type Status, statusPage } from "./status.js";
import { shopPage } from "./storefront.js";

type Input = Record<string, unknown>;

const isForm = ({ req }: Context) => (req.header("content-type") ?? "").startsWith("application/x-www-form-urlencoded");

/** @throws SyntaxError for a body that is not JSON */
async function inputOf(context: Context): Promise<Input> {
  if (isForm(context)) return context.req.parseBody();
  return JSON.parse((await context.req.text()) || "{}");
}

const json = (value: unknown, status = 200) =>
  new Response(`${JSON.stringify(value, null, 2)}\n`, { status, headers: { "content-type": "application/json" } });

const absent = () => json({ message: "Not Found" }, 404);

/** A page for a browser, JSON for other clients. */
const show = (context: Context, value: unknown, page: () => string) =>
  (context.req.header("accept") ?? "").includes("text/html") ? context.html(page()) : json(value);

/** A form returns to the page, other clients receive JSON. */
const done = (context: Context, value: unknown) => (isForm(context) ? context.redirect("/_local", 303) : json(value));

async function statusOf(host: Host): Promise<Status> {
  const { clock, endpoints, admin, scheduler, pools, stripe } = host;
  const [events] = await admin.query(
    `select count(*) filter (where state = 'queued')::int as queued,
      count(*) filter (where state = 'quarantined')::int as quarantined from platform.stripe_event`,
  );
  const depths = async (name: string) => {
    const local = endpoints.sqs?.inspect().find((queue) => queue.name === name);
    return { name, messages: [], ...(await endpoints.depth(name)), ...local };
  };
  return {
    url: host.url,
    now: clock.now(),
    ahead: clock.now() - Date.now(),
    queues: await Promise.all(queueNames.flatMap((name) => [name, deadLetterOf(name)]).map(depths)),
    outbox: await admin.backlog(),
    stripe: { standIn: stripe?.url, webhookUrl: host.webhookUrl, queued: 0, quarantined: 0, ...events },
    schedules: scheduler.list(),
    environments: Object.entries(pools).flatMap(([name, pool]) =>
      pool.environments().map((environment) => ({ function: name, ...environment })),
    ),
    chaos: {
      ...(endpoints.sqs && { sqs: endpoints.sqs.chaos }),
      ...(endpoints.bus && { eventbridge: endpoints.bus.chaos }),
    },
  };
}

async function advanceClock({ clock }: Host, context: Context) {
  const { advance } = await inputOf(context);
  const seconds = Number(advance ?? 0);
  if (!(seconds >= 0 && seconds <= 366 * 86_400))
    return json({ message: "`advance` is a number of seconds, up to a year." }, 422);
  await clock.advance(seconds * 1000);
  return done(context, { now: clock.now() });
}

async function runSchedule({ scheduler }: Host, context: Context) {
  const name = context.req.param("name") ?? "";
  if (!scheduler.list().some((schedule) => schedule.name === name)) return absent();
  return done(context, { result: (await scheduler.run(name as keyof typeof schedules)) ?? null });
}

/** Redrives the dead letters of a queue, which is named by itself or by its dead-letter queue. */
async function redrive({ endpoints }: Host, context: Context) {
  const name = context.req.param("name");
  const source = queueNames.find((queue) => deadLetterOf(queue) === name || queue === name);
  return source ? done(context, { moved: await endpoints.redrive(source) }) : absent();
}

/** `{ "sqs": { "duplicate": 0.1 } }`, or a form with `sqs.duplicate=0.1`. */
async function setChaos({ endpoints }: Host, context: Context) {
  const targets: Record<string, object | undefined> = { sqs: endpoints.sqs?.chaos, eventbridge: endpoints.bus?.chaos };
  const changes = Object.entries(await inputOf(context)).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([key, inner]) => [name, key, inner] as const)
      : [[...(name.split(".", 2) as [string, string]), value] as const],
  );
  for (const [endpoint, name, value] of changes) {
    const switches = targets[endpoint] as Record<string, number | boolean> | undefined;
    if (!switches || !Object.hasOwn(switches, name ?? ""))
      return json({ message: `There is no switch ${endpoint}.${name}.` }, 422);
    const flag = typeof switches[name] === "boolean";
    switches[name] = flag ? value === true || value === "true" || value === "on" : Math.max(0, Number(value) || 0);
  }
  return done(context, targets);
}

async function putMail({ mailbox }: Host, context: Context) {
  const mail = await inputOf(context);
  try {
    return json({ id: (await mailbox.put(mail)).id }, 201);
  } catch (error) {
    return json({ message: (error as Error).message }, 422);
  }
}

const headers = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

const withHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(headers)) if (!context.res.headers.has(name)) context.header(name, value);
};

/** The storefront runs a script of this host, which calls the API. */
const shopPolicy =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:";

async function showShop(host: Host, context: Context) {
  const shop = (await readDemo(host.dir)).find(({ slug }) => slug === context.req.param("slug"));
  return shop ? context.html(shopPage(shop), 200, { "content-security-policy": shopPolicy }) : absent();
}

const script = readFileSync(new URL("shop.js", import.meta.url), "utf8");

/** The host's own pages: `/` and what is below `/_local`. */
export function createPages(host: Host): RequestListener {
  const root = new Hono();
  root.use(withHeaders, ownPagesOnly);
  root.get("/", async (context) =>
    context.html(homePage({ url: host.url, stripe: host.stripe?.url, shops: await readDemo(host.dir) })),
  );
  const app = root.basePath("/_local");
  app.get("/shops/:slug", (context) => showShop(host, context));
  app.get("/shop.js", () => new Response(script, { headers: { "content-type": "text/javascript; charset=utf-8" } }));
  app.get("/", async (context) => {
    const status = await statusOf(host);
    return show(context, status, () => statusPage(status));
  });
  app.post("/clock", (context) => advanceClock(host, context));
  app.post("/schedules/:name", (context) => runSchedule(host, context));
  app.post("/queues/:name/redrive", (context) => redrive(host, context));
  app.post("/chaos", (context) => setChaos(host, context));
  app.post("/mail", (context) => putMail(host, context));
  app.get("/mail", (context) => {
    const mails = host.mailbox.list();
    return show(context, { data: mails }, () => mailboxPage(mails));
  });
  app.get("/mail/:id{\\d+}", (context) => {
    const mail = host.mailbox.get(Number(context.req.param("id")));
    return mail ? show(context, mail, () => mailPage(mail)) : absent();
  });
  app.all("*", absent);
  app.onError((error) => json({ message: error.message }, error instanceof SyntaxError ? 400 : 500));
  const listener = getRequestListener(app.fetch);
  return (request, response) => void listener(request, response);
}

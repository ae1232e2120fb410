import type { IncomingMessage, ServerResponse } from "node:http";
import type { schedules } from "../../topology.js";
import { deadLetterOf, queueNames } from "../aws/endpoints.js";
import { mailboxPage, mailPage } from "../aws/mailbox.js";
import type { Host } from "../host.js";
import type { Local } from "../lambda/gateway.js";
import { type Status, statusPage } from "./status.js";

/** What the host answers by itself: JSON, and a page for a browser; `back` sends a browser's form to its page again. */
interface Reply {
  readonly status?: number;
  readonly json: unknown;
  readonly page?: () => string;
  readonly back?: string;
}

type Run = (host: Host, input: Record<string, unknown>, parameter: string) => Promise<Reply> | Reply;

const notFound: Reply = { status: 404, json: { message: "Not Found" } };

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

async function advance({ clock }: Host, { advance }: Record<string, unknown>): Promise<Reply> {
  const seconds = Number(advance ?? 0);
  if (!(seconds >= 0 && seconds <= 366 * 86_400))
    return { status: 422, json: { message: "`advance` is a number of seconds, up to a year." } };
  await clock.advance(seconds * 1000);
  return { json: { now: clock.now() }, back: "/_local" };
}

async function runSchedule({ scheduler }: Host, _: unknown, name: string): Promise<Reply> {
  if (!scheduler.list().some((schedule) => schedule.name === name)) return notFound;
  return { json: { result: (await scheduler.run(name as keyof typeof schedules)) ?? null }, back: "/_local" };
}

/** Sends dead letters back to the queue that they come from. */
async function redrive({ endpoints }: Host, _: unknown, name: string): Promise<Reply> {
  const source = queueNames.find((queue) => deadLetterOf(queue) === name || queue === name);
  return source ? { json: { moved: await endpoints.redrive(source) }, back: "/_local" } : notFound;
}

/** `{ "sqs": { "duplicate": 0.1 } }`, or a form with `sqs.duplicate=0.1`. */
function setChaos({ endpoints }: Host, input: Record<string, unknown>): Reply {
  const targets: Record<string, object | undefined> = { sqs: endpoints.sqs?.chaos, eventbridge: endpoints.bus?.chaos };
  const changes = Object.entries(input).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([key, inner]) => [name, key, inner] as const)
      : [[...(name.split(".", 2) as [string, string]), value] as const],
  );
  for (const [endpoint, name, value] of changes) {
    const switches = targets[endpoint] as Record<string, number | boolean> | undefined;
    if (!switches || !Object.hasOwn(switches, name ?? ""))
      return { status: 422, json: { message: `There is no switch ${endpoint}.${name}.` } };
    const flag = typeof switches[name] === "boolean";
    switches[name] = flag ? value === true || value === "true" || value === "on" : Math.max(0, Number(value) || 0);
  }
  return { json: targets, back: "/_local" };
}

async function putMail({ mailbox }: Host, mail: Record<string, unknown>): Promise<Reply> {
  try {
    return { status: 201, json: { id: (await mailbox.put(mail)).id } };
  } catch (error) {
    return { status: 422, json: { message: (error as Error).message } };
  }
}

const routes: readonly (readonly [method: string, path: RegExp, run: Run])[] = [
  ["GET", /^\/_local\/?$/, async (host) => statusOf(host).then((json) => ({ json, page: () => statusPage(json) }))],
  ["POST", /^\/_local\/clock$/, advance],
  ["POST", /^\/_local\/schedules\/([\w-]+)$/, runSchedule],
  ["POST", /^\/_local\/queues\/([\w-]+)\/redrive$/, redrive],
  ["POST", /^\/_local\/chaos$/, setChaos],
  ["POST", /^\/_local\/mail$/, putMail],
  [
    "GET",
    /^\/_local\/mail$/,
    ({ mailbox }) => ({ json: { data: mailbox.list() }, page: () => mailboxPage(mailbox.list()) }),
  ],
  [
    "GET",
    /^\/_local\/mail\/(\d+)$/,
    ({ mailbox }, _, id) => {
      const mail = mailbox.get(Number(id));
      return mail ? { json: mail, page: () => mailPage(mail) } : notFound;
    },
  ],
];

const own = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** A page of the internet may reach this port by a name of its own (DNS rebinding), or post a form to it. */
function isForeign({ headers, method }: IncomingMessage): boolean {
  if (!own.test(headers.host ?? "")) return true;
  return method !== "GET" && headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
}

async function inputOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (isForm(request)) return Object.fromEntries(new URLSearchParams(text));
  return text ? JSON.parse(text) : {};
}

const isForm = ({ headers }: IncomingMessage) =>
  headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;

async function replyTo(host: Host, request: IncomingMessage): Promise<Reply> {
  const path = request.url?.split("?")[0] ?? "";
  if (isForeign(request)) return { status: 403, json: { message: "Only for this machine." } };
  for (const [method, pattern, run] of routes) {
    const found = method === request.method && pattern.exec(path);
    if (found) return run(host, method === "POST" ? await inputOf(request) : {}, found[1] ?? "");
  }
  return notFound;
}

function send(request: IncomingMessage, response: ServerResponse, { status = 200, json, page, back }: Reply) {
  const html = page && (request.headers.accept ?? "").includes("text/html");
  if (back && isForm(request)) return response.writeHead(303, { location: back }).end();
  return response
    .writeHead(status, {
      "content-type": html ? "text/html; charset=utf-8" : "application/json",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    })
    .end(html ? page() : `${JSON.stringify(json, null, 2)}\n`);
}

/** The host's own pages, below `/_local`. */
export function localPages(host: Host): Local {
  return (request, response) => {
    if (!/^\/_local(?:[/?]|$)/.test(request.url ?? "")) return false;
    replyTo(host, request)
      .catch(
        (error: Error): Reply => ({
          status: error instanceof SyntaxError ? 400 : 500,
          json: { message: error.message },
        }),
      )
      .then((reply) => send(request, response, reply))
      .catch(() => response.destroy());
    return true;
  };
}

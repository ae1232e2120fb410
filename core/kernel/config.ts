import * as z from "zod";

const WEBHOOK_SECRETS = /^((live|test):)?whsec_\w+(,((live|test):)?whsec_\w+)*$/;

/**
 * Every environment variable that Stoa reads, with its shape. This file is the only reader of the environment
 * (12-factor); nothing is read at import, so that a bundle can be loaded without any of it.
 */
const variables = {
  STAGE: z.string().min(1),
  /** Pooled endpoint, role `stoa_app`. */
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Pooled endpoint, role `stoa_relay`: outbox and due jobs only. */
  RELAY_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Direct endpoint, a role that may create roles and become `stoa_owner`: migrations only. */
  MIGRATE_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** `host:port` of the local bridge that speaks Neon's protocols, where the database is not Neon's. */
  NEON_PROXY: z
    .string()
    .regex(/^[\w.-]+:\d+$/)
    .optional(),
  NUDGE_QUEUE_URL: z.url(),
  JOBS_QUEUE_URL: z.url(),
  BUS_NAME: z.string().min(1),
  /** JSON Web Key Set (RFC 7517) with the private Ed25519 keys that sign access tokens; the first one signs. */
  TOKEN_KEYS: z.string().startsWith("{"),
  /**
   * 32 bytes, base64url: the keys that encrypt stored answers and sign cursors are derived from it. During a rotation
   * several, separated by commas: the first one is in use, and the others open what they made.
   */
  DATA_KEY: z.string().regex(/^[A-Za-z0-9_-]{43}(,[A-Za-z0-9_-]{43})*$/),
  /** The URL of the API for clients: issuer of tokens, base of the links in mails and errors. */
  PUBLIC_URL: z.url(),
  MAIL_FROM: z.email(),
  /** `ses` on AWS; `local` posts to the mailbox of the local host at `MAILBOX_URL`. */
  MAIL_PROVIDER: z.enum(["ses", "local"]).default("ses"),
  MAILBOX_URL: z.url().optional(),
  /** Mails to one address within an hour, where it is not the platform's own number: tests have one address for all. */
  MAIL_RECIPIENT_LIMIT: z.coerce.number().int().min(1).optional(),
  /** The platform's key at Stripe; live and test, separated by a comma, where both modes are served. */
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(live|test)_\w+(,(sk|rk)_(live|test)_\w+)?$/, "must be sk_live_… or sk_test_…"),
  /** The publishable keys of the same modes, with which Stripe Elements confirms payments in browsers. */
  STRIPE_PUBLISHABLE_KEY: z
    .string()
    .regex(/^pk_(live|test)_\w+(,pk_(live|test)_\w+)?$/, "must be pk_live_… or pk_test_…"),
  /** The URL of the local host's substitute for Stripe's API; Stripe's own when left out. */
  STRIPE_API_BASE: z.url().optional(),
  /**
   * Signing secrets of the webhook endpoints, separated by commas: several during a rotation. Each says its mode, as in
   * `live:whsec_…,test:whsec_…`; in production one that does not is live.
   */
  STRIPE_WEBHOOK_SECRETS: z.string().regex(WEBHOOK_SECRETS, "must be live:whsec_… or test:whsec_…"),
  STRIPE_CONNECT_WEBHOOK_SECRETS: z.string().regex(WEBHOOK_SECRETS, "must be live:whsec_… or test:whsec_…"),
  /** `on` checks each response against its schema: tests and the local host. */
  VALIDATE_RESPONSES: z.enum(["on", "off"]).default("off"),
} as const;

export type Variable = keyof typeof variables;
export type Config = { readonly [Name in Variable]: z.infer<(typeof variables)[Name]> };

/**
 * The variables of each Lambda; the infrastructure sets exactly these, and each entry checks exactly these at start.
 */
export const needs = {
  api: [
    "STAGE",
    "DATABASE_URL",
    "NUDGE_QUEUE_URL",
    "TOKEN_KEYS",
    "DATA_KEY",
    "PUBLIC_URL",
    "STRIPE_SECRET_KEY",
    "STRIPE_PUBLISHABLE_KEY",
  ],
  events: ["STAGE", "DATABASE_URL", "NUDGE_QUEUE_URL"],
  jobs: ["STAGE", "DATABASE_URL", "NUDGE_QUEUE_URL", "PUBLIC_URL", "MAIL_FROM", "MAIL_PROVIDER", "STRIPE_SECRET_KEY"],
  relay: ["STAGE", "RELAY_DATABASE_URL", "BUS_NAME", "JOBS_QUEUE_URL"],
  schedule: ["STAGE", "DATABASE_URL", "NUDGE_QUEUE_URL"],
  stripe: ["STAGE", "DATABASE_URL", "NUDGE_QUEUE_URL", "STRIPE_WEBHOOK_SECRETS", "STRIPE_CONNECT_WEBHOOK_SECRETS"],
  migrate: ["STAGE", "DATABASE_URL", "RELAY_DATABASE_URL", "MIGRATE_DATABASE_URL"],
} as const satisfies Record<string, readonly Variable[]>;

class ConfigError extends Error {
  override name = "ConfigError";
}

type Parsed = { value: unknown } | { problem: string };
/** The last text of each variable, and what it was read as. */
const known = new Map<Variable, { text: string | undefined; parsed: Parsed }>();

function parse(name: Variable): Parsed {
  const text = process.env[name];
  const before = known.get(name);
  if (before && before.text === text) return before.parsed;
  const result = variables[name].safeParse(text === "" ? undefined : text);
  const reason = text ? result.error?.issues[0]?.message : "is not set";
  const parsed = result.success ? { value: result.data } : { problem: `${name}: ${reason}` };
  known.set(name, { text, parsed });
  return parsed;
}

/**
 * Whether shoppers pay with money here. Every other stage is for trying: its live tenants are served with Stripe's test
 * keys where it has no others.
 */
export const isProduction = (): boolean => process.env.STAGE === "production";

/** What production needs of Stripe, besides the shape: without its live keys it would sell for test cards. */
const liveOnes: Partial<Record<Variable, RegExp>> = {
  STRIPE_SECRET_KEY: /(sk|rk)_live_/,
  STRIPE_PUBLISHABLE_KEY: /pk_live_/,
  STRIPE_WEBHOOK_SECRETS: /(^|,)(live:)?whsec_/,
  STRIPE_CONNECT_WEBHOOK_SECRETS: /(^|,)(live:)?whsec_/,
};

const lacksLive = (name: Variable): boolean =>
  isProduction() && liveOnes[name]?.test(process.env[name] ?? "") === false;

/** Checks the variables of one entry at once. @throws ConfigError that names each missing or wrong variable */
export function requireConfig(entry: keyof typeof needs): void {
  const problems = needs[entry].flatMap((name) => {
    const result = parse(name);
    if ("problem" in result) return [result.problem];
    return lacksLive(name) ? [`${name}: has nothing of live mode, without which production does not start`] : [];
  });
  if (problems.length > 0)
    throw new ConfigError(`The environment of "${entry}" does not fit:\n  ${problems.join("\n  ")}`);
}

/** The environment, each variable validated when first read. @throws ConfigError */
export const config: Config = Object.defineProperties(
  {},
  Object.fromEntries(
    (Object.keys(variables) as Variable[]).map((name) => [
      name,
      {
        enumerable: true,
        get() {
          const result = parse(name);
          if ("problem" in result) throw new ConfigError(result.problem);
          return result.value;
        },
      },
    ]),
  ),
) as Config;

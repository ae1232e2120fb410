import type { Call, Route } from "./engine.js";
import { Failure, refused } from "./failure.js";
import type { Core } from "./store.js";

export interface Keys {
  readonly secret: string;
  readonly publishable: string | undefined;
}

const masked = (key: string) =>
  key.length < 12 ? "*".repeat(key.length) : `${key.slice(0, 8)}${"*".repeat(key.length - 12)}${key.slice(-4)}`;

function keyOf(authorization: unknown): string | undefined {
  if (typeof authorization !== "string") return undefined;
  const [scheme = "", value = ""] = authorization.split(" ", 2);
  if (scheme.toLowerCase() === "bearer") return value;
  return scheme.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString().split(":")[0] : undefined;
}

function credentialOf(keys: Keys, authorization: unknown): { credential: Call["credential"]; key: string } {
  const key = keyOf(authorization);
  if (!key)
    throw refused(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
      { status: 401 },
    );
  if (key === keys.secret) return { credential: "secret", key };
  if (key === keys.publishable) return { credential: "publishable", key };
  throw refused(`Invalid API Key provided: ${masked(key)}`, { status: 401 });
}

export const noAccess = (key: string, account: string) =>
  new Failure(403, {
    type: "invalid_request_error",
    code: "account_invalid",
    message: `The provided key '${key}' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`,
  });

/**
 * The credential of a request and its connected account.
 * @throws Failure 401 for the key, 403 `account_invalid` for an account that is not connected
 */
export function authorize(
  { core, keys }: { readonly core: Core; readonly keys: Keys },
  headers: Record<string, string | string[] | undefined>,
  route: Route | undefined,
): { credential: Call["credential"]; account: string | undefined } {
  const { credential, key } = credentialOf(keys, headers.authorization);
  if (credential === "publishable" && route && !route.publishable)
    throw refused(
      "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
      { status: 401, code: "secret_key_required" },
    );
  const account = headers["stripe-account"];
  if (account === undefined || account === "") return { credential, account: undefined };
  if (typeof account === "string" && core.tables.table(undefined, "account").byId.has(account))
    return { credential, account };
  throw noAccess(masked(key), String(account));
}

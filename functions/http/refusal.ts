import type { Context as HonoContext } from "hono";
import { context } from "../../core/kernel/actor.js";
import type { Failure } from "../../core/kernel/error.js";
import { accountKey, addressKey } from "../../core/rate/index.js";
import { count, log } from "../log.js";

/**
 * Leaves a line in the log for each proof of identity that was refused, so that guessing can be seen and followed: the
 * tenant, keyed hashes of the account (of a login the e-mail address, otherwise the credential) and of the client's
 * address, and the reason. Nothing in it is personal, and the hashes are the same in each line.
 */
export function recordRefusal({ kind, code }: Failure, { req }: HonoContext): void {
  const isGuess = kind === "limited" && req.path.startsWith("/v1/auth/");
  const given = req.header("authorization") ?? req.header("x-api-key");
  const { claim, address = "" } = context();
  if (!isGuess && (kind !== "unauthenticated" || (!claim && given === undefined))) return;
  log.warn("identity refused", {
    reason: code,
    operation: `${req.method} ${req.routePath}`,
    tenantId: claim?.tenantId,
    account: claim?.account ?? (given === undefined ? undefined : accountKey(given)),
    from: addressKey(address),
  });
  if (code === "login_failed" || isGuess) count("LoginsRefused");
  else if (code === "refresh_token_invalid") count("RefreshesRefused");
  else count("CredentialsRefused");
}

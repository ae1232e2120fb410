import type { Context } from "../../core/kernel/actor.js";

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10 for the bucket that limits this request most: quota and window
 * in seconds, the remaining requests, and the seconds until the bucket is full again.
 */
export function rateHeaders(rate: Context["rate"]): Record<string, string> {
  if (!rate) return {};
  return {
    "ratelimit-policy": `"${rate.policy}";q=${rate.limit};w=${rate.window}`,
    ratelimit: `"${rate.policy}";r=${rate.remaining};t=${rate.reset}`,
  };
}

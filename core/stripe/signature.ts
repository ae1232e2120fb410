import { createHmac, timingSafeEqual } from "node:crypto";

/** Seconds that the time in the header may be away from ours, as in Stripe's libraries. */
const TOLERANCE = 300;
/** Stripe signs with each secret that is active, which are two while one is rolled. */
const MAX_SIGNATURES = 8;

/** `t=1492774577,v1=…,v1=…,v0=…`: the time as it was signed, and the signatures of the scheme that counts. */
function read(header: string): { time: string; signatures: Buffer[] } | undefined {
  const items = header.split(",").map((item) => {
    const [name = "", ...value] = item.trim().split("=");
    return { name, value: value.join("=") };
  });
  const times = items.filter(({ name }) => name === "t");
  const signatures = items.filter(({ name }) => name === "v1");
  const [time] = times;
  // Two times come from two headers, which the gateway joins: the code cannot know which of them counts.
  if (!time || times.length > 1 || !/^\d{1,12}$/.test(time.value)) return undefined;
  if (signatures.length > MAX_SIGNATURES || signatures.some(({ value }) => !/^[0-9a-f]{64}$/.test(value)))
    return undefined;
  return { time: time.value, signatures: signatures.map(({ value }) => Buffer.from(value, "hex")) };
}

/**
 * Whether one of `secrets` signed these bytes, and not long ago (https://docs.stripe.com/webhooks#verify-manually).
 * Stricter than Stripe's library, which accepts any time in the future and compares text: other bytes that decode to
 * the same text, such as those behind a byte order mark, are not the signed bytes.
 * @param now unix seconds
 */
export function isSigned(
  body: Uint8Array,
  header: string | undefined,
  secrets: readonly string[],
  now: number,
): boolean {
  const claimed = header === undefined ? undefined : read(header);
  if (!claimed) return false;
  let found = false;
  for (const secret of secrets) {
    const expected = createHmac("sha256", secret).update(`${claimed.time}.`).update(body).digest();
    // No early end: the duration does not reveal which secret or signature matched.
    for (const signature of claimed.signatures) found = timingSafeEqual(expected, signature) || found;
  }
  return found && Math.abs(now - Number(claimed.time)) <= TOLERANCE;
}

/** What goes wrong with a request. */
export type FaultKind =
  /** Nothing happens and the connection is cut; or the answer never comes. */
  | "cut_before"
  | "hang_before"
  /** Everything happens, but the answer is lost: the connection is cut, or it never comes. */
  | "cut_after"
  | "hang_after"
  /** 500 without and with the effect; either is what the idempotency key stands for from then on. */
  | "error_before"
  | "error_after"
  /** Refused before anything runs: 503, 429, 429 `lock_timeout`, 409 `idempotency_key_in_use`. */
  | "unavailable"
  | "rate_limit"
  | "lock_timeout"
  | "conflict"
  /** Waits `ms` of real time with the key claimed, then runs. */
  | "slow";

export interface Fault {
  readonly kind: FaultKind;
  readonly method?: string;
  /** `*` stands for anything: `/v1/payment_intents/*\/capture`. */
  readonly path?: string;
  readonly account?: string;
  /** How many of the requests that match: the next ones … */
  next?: number;
  /** … or this share of them; all when neither is set. */
  readonly share?: number;
  readonly ms?: number;
}

interface WebhookChaos {
  /** Up to so many copies besides the one. */
  duplicate: number;
  /** So many deliveries wait for each other and leave in any order. */
  reorder: number;
  /** Each leaves after up to so many milliseconds of the local clock. */
  delayMs: number;
  /** Share of events that are never sent and count as failed; and that are lost while Stripe thinks them delivered. */
  drop: number;
  lose: number;
  /** Nothing leaves before it is released. */
  hold: boolean;
}

export interface Chaos {
  /** Setting it starts the random numbers anew. */
  seed: number;
  /** Every request takes so long, real time. */
  latencyMs: number;
  faults: Fault[];
  /** Payments that the bank declines with this code. */
  decline: { code: string; next: number; share: number };
  readonly webhooks: WebhookChaos;
}

/** Mulberry32: the same seed, the same run. */
function createRandom(seed: number) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const calm = (): Omit<Chaos, "seed"> => ({
  latencyMs: 0,
  faults: [],
  decline: { code: "generic_decline", next: 0, share: 0 },
  webhooks: { duplicate: 0, reorder: 0, delayMs: 0, drop: 0, lose: 0, hold: false },
});

function fits({ method, path, account }: Fault, request: { method: string; path: string; account?: string }) {
  const escaped = path?.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return (
    (method === undefined || method.toUpperCase() === request.method) &&
    (escaped === undefined || new RegExp(`^${escaped}$`).test(request.path)) &&
    (account === undefined || account === request.account)
  );
}

export function createChaos() {
  let seed = 1;
  let random = createRandom(seed);
  const chance = (share: number) => share > 0 && random() < share;
  const chaos: Chaos = {
    ...calm(),
    get seed() {
      return seed;
    },
    set seed(value) {
      seed = value;
      random = createRandom(value);
    },
  };

  /** The fault that this request meets, if any; uses it up. */
  function meet(request: { method: string; path: string; account?: string }): Fault | undefined {
    const fault = chaos.faults.find(
      (one) =>
        fits(one, request) && (one.next === undefined ? one.share === undefined || chance(one.share) : one.next > 0),
    );
    if (fault?.next !== undefined && --fault.next === 0) chaos.faults = chaos.faults.filter((one) => one !== fault);
    return fault;
  }

  /** The code with which the bank declines this payment, if it does. */
  function decline(): string | undefined {
    const { code, next, share } = chaos.decline;
    if (next > 0) chaos.decline.next--;
    return next > 0 || chance(share) ? code : undefined;
  }

  return {
    chaos,
    meet,
    decline,
    chance,
    /** A whole number from 0 up to and with `most`. */
    upTo: (most: number) => Math.floor(random() * (most + 1)),
    reset() {
      const { webhooks, ...rest } = calm();
      Object.assign(chaos, rest);
      Object.assign(chaos.webhooks, webhooks);
      chaos.seed = 1;
    },
  };
}
export type Disorder = ReturnType<typeof createChaos>;

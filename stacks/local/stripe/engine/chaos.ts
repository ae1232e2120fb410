import type { ErrorBody } from "./failure.js";

/** Faults of requests. */
export type FaultKind =
  /** The request does not run: the connection is cut, or stays open. */
  | "cut_before"
  | "hang_before"
  /** The request runs and its answer is lost: the connection is cut, or stays open. */
  | "cut_after"
  | "hang_after"
  /** 500 without and with the effect; the idempotency key stores the 500. */
  | "error_before"
  | "error_after"
  /** Refused before anything runs: 503, 429, 429 `lock_timeout`, 409 `idempotency_key_in_use`. */
  | "unavailable"
  | "rate_limit"
  | "lock_timeout"
  | "conflict"
  /** Refused before anything runs, with `status` and `error`. */
  | "refuse"
  /** Waits `ms` of real time with the key claimed, then runs. */
  | "slow";

export interface Fault {
  readonly kind: FaultKind;
  readonly method?: string;
  /** `*` stands for anything: `/v1/payment_intents/*\/capture`. */
  readonly path?: string;
  readonly account?: string;
  /** Count of the next matching requests … */
  next?: number;
  /** … or share (0..1) of them; all when neither is set. */
  readonly share?: number;
  readonly ms?: number;
  /** The answer of `refuse`: any of Stripe's errors, and whether it asks for a retry. */
  readonly status?: number;
  readonly error?: ErrorBody;
  readonly retry?: boolean;
}

interface WebhookChaos {
  /** Maximum of additional copies. */
  duplicate: number;
  /** Size of the batches that leave in random order. */
  reorder: number;
  /** Maximum of the random delay, milliseconds of the local clock. */
  delayMs: number;
  /** Share (0..1) of events that are not sent: `drop` counts them as failed, `lose` as delivered. */
  drop: number;
  lose: number;
  /** Deliveries wait for `release`. */
  hold: boolean;
}

export interface Chaos {
  /** Seed of the random numbers; setting it restarts them. */
  seed: number;
  /** Latency of each request, milliseconds of real time. */
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

  /** Takes the fault of a request, if any, and counts it. */
  function meet(request: { method: string; path: string; account?: string }): Fault | undefined {
    const fault = chaos.faults.find(
      (one) =>
        fits(one, request) && (one.next === undefined ? one.share === undefined || chance(one.share) : one.next > 0),
    );
    if (fault?.next !== undefined && --fault.next === 0) chaos.faults = chaos.faults.filter((one) => one !== fault);
    return fault;
  }

  /** Takes the decline code of a payment, if any. */
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
    /** A random integer from 0 to `most`, inclusive. */
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

import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import type { PaymentGate } from "../cart/index.js";
import { conflict } from "../kernel/error.js";
import type { Currency } from "../kernel/money.js";
import { Registry } from "../kernel/registry.js";

/** The data of an attempt for its provider. Amounts are minor units; the row is committed before a call. */
export interface Attempt {
  /** Never changes: the idempotency key of the call that opens the attempt. */
  id: string;
  orderId: string;
  amount: number;
  currency: Currency;
  method: string | null;
  /** The merchant's account at the provider, and the mode of the key that reaches it. */
  account: string | null;
  livemode: boolean | null;
  /** The platform's share. */
  fee: number;
  /** The captured amount, as far as our rows have it. */
  captured: number;
  /** Whether the staff of the merchant captures, perhaps in parts. */
  capturesManually: boolean;
  /** The provider's id of the payment, once it is open. */
  reference: string | null;
  session: string | null;
  createdAt: string;
  /** Where the shopper's browser goes afterwards, when the provider has pages of its own. */
  returnUrl: string | null;
  email: string | null;
  description: string;
  /** What is bought, for a page of the provider's; empty when the parts do not make up the amount. */
  items: readonly AttemptItem[];
}

export interface AttemptItem {
  name: string;
  quantity: number;
  /** Of all pieces together, taxes included. */
  amount: number;
}

/** A capture, refund or void; its id is the idempotency key of the call. */
export interface Operation {
  id: string;
  kind: "capture" | "refund" | "void";
  /** Minor units; 0 means all that is there. */
  amount: number;
  /** No more will be captured: the provider voids what is left of the authorization. */
  final: boolean;
  createdAt: string;
}

/** The shopper's next step. */
export const Action = z.looseObject({ type: z.string() }).nullable().meta({
  description:
    "The shopper's next step: `confirm_payment_intent`, `redirect`, or `await_acceptance` while the staff has not accepted an order that is paid by hand; null when none is needed",
});
export type Action = z.infer<typeof Action>;

export interface OpenedAttempt {
  reference: string | null;
  session: string | null;
  action: Action;
  /** Seconds from now after which the attempt can no longer be paid; the sweep closes it at the provider. */
  expiresIn: number;
}

/**
 * The state of a payment as the provider reports it at one moment. Sums only grow, so that an older snapshot has no
 * effect when it is applied late.
 */
export interface Snapshot {
  reference: string | null;
  status: "waiting" | "action_required" | "processing" | "authorized" | "captured" | "voided" | "expired";
  amount: number;
  currency: string;
  /** Minor units in all. */
  authorized: number;
  captured: number;
  /** Refused tries of the shopper, by the provider's id of each. */
  failures: readonly { reference: string; code: string; message: string }[];
  refunds: readonly RefundState[];
  /** Ids of our capture operations that were made: the sum does not say which. */
  captures: readonly string[];
  /** The platform's fee on the captured amount. */
  fee: number;
  /** The part of the fee that the platform has returned with refunds. */
  feeReturned?: number;
}
export interface RefundState {
  reference: string;
  amount: number;
  status: "pending" | "succeeded" | "failed";
  /** Why it failed, in the provider's words. */
  failure?: string;
  /** Our operation; null for a refund that was made in the provider's dashboard. */
  operationId: string | null;
}

/** The provider will take no money for the attempt any more. */
export const isFinal = ({ status }: Pick<Snapshot, "status">): boolean => status === "voided" || status === "expired";

/** `pending`: the provider reports the end later. `failed`: the operation will never happen, and why. */
export type Outcome =
  | { status: "succeeded" | "pending"; reference: string | null }
  | { status: "failed"; code: string; message: string };

/** The amount due for an order. */
export interface Due {
  orderId: string;
  /** Minor units. */
  amount: number;
  currency: Currency;
  /** The instant at which the order stops being payable; undefined for one that is being made. */
  dueAt?: string;
}

/** The values that a provider adds to the row of a new payment. */
interface PreparedPayment {
  method?: string;
  returnUrl?: string;
  account?: string;
  livemode?: boolean;
  /** The platform's share, in minor units. */
  fee?: number;
}

interface BaseProvider extends PaymentGate {
  /** Permanent: rows and the ledger's accounts carry it. */
  readonly name: string;
  /** When the money is taken, where the merchant's payment account does not say: as the order is placed, or by the staff. */
  readonly capture: "automatic" | "manual";
  /** The fields of a request for this method of payment, besides the provider's name. */
  readonly input?: z.ZodObject;
  /** Nothing but the staff's word says that the money comes, so that the merchant offers it on purpose. */
  readonly byHand?: true;
  /** Charges the merchant's own account, which must be connected. */
  readonly needsAccount?: true;
  /**
   * Prepares a new payment in the open transaction: looks up the merchant's account, sets a balance aside.
   * @param input the fields of the request that `input` describes
   * @throws Failure conflict when the merchant cannot be paid this way, or the balance is too small
   */
  prepareAttempt(tx: Tx, due: Due, input: Record<string, unknown>): Promise<PreparedPayment>;
}

/**
 * A provider whose money is rows of our own database, or is confirmed by the staff: cash, gift cards, store credit. It
 * promises the whole amount when it is prepared, and each operation is done in the transaction that requests it.
 */
export interface SynchronousProvider extends BaseProvider {
  readonly synchronous: true;
  /** @throws Failure conflict, which rolls the transaction back */
  operate(tx: Tx, attempt: SynchronousAttempt, operation: Pick<Operation, "id" | "kind" | "amount">): Promise<void>;
}
type SynchronousAttempt = Pick<Attempt, "id" | "orderId" | "currency">;

/**
 * A provider that is called over the network. No call runs inside of a transaction: the intent is committed first, and
 * the result afterwards. A call whose result is not known (a timeout, a cut connection, an outage) throws OutcomeUnknown.
 */
export interface RemoteProvider extends BaseProvider {
  readonly synchronous: false;
  /** Opens an attempt, or answers how it was opened before. @throws Failure conflict when the provider refuses it for good */
  open(attempt: Attempt): Promise<OpenedAttempt>;
  /** Undefined while the provider does not know the attempt. */
  snapshot(attempt: Attempt): Promise<Snapshot | undefined>;
  /** Does the operation, or finds that it was done before. */
  operate(attempt: Attempt, operation: Operation): Promise<Outcome>;
  /** Ends an attempt that was not paid; does nothing to one that was. */
  close(attempt: Attempt): Promise<void>;
}

export type Provider = SynchronousProvider | RemoteProvider;

/** The providers of all modules. */
export const paymentProviders = new Registry<Provider>("payment provider", ({ name }) => name);

/** The provider of a payment. @throws Failure conflict `payment.provider_unavailable` when its module was removed */
export function providerOf(name: string): Provider {
  const provider = paymentProviders.find(name);
  if (!provider) {
    throw conflict("payment.provider_unavailable", `The payment provider "${name}" is not part of this deployment.`);
  }
  return provider;
}

/** The provider of an attempt that is under way. @throws Error for a provider that is not called */
export function remoteProviderOf(name: string): RemoteProvider {
  const provider = providerOf(name);
  if (provider.synchronous) throw new Error(`The payment provider "${name}" is not called.`);
  return provider;
}

/** How the shopper pays: the name of a provider, and the fields of that provider's `input`. */
export type PaymentMethodInput = { provider: string } & Record<string, unknown>;

const ABOUT_PROVIDER = "`stripe`: by card and what else the merchant takes there. `manual`: money by hand";

function methodInput(among: readonly Provider[]): z.ZodType<PaymentMethodInput> {
  const names = among.map(({ name }) => name);
  const fields: z.ZodRawShape = Object.assign(
    {},
    ...among.map(({ input }) => input && z.object(input.shape).partial().shape),
  );
  return z.strictObject({ provider: z.enum(names).describe(ABOUT_PROVIDER), ...fields }).check(({ value, issues }) => {
    const own = among.find(({ name }) => name === value.provider)?.input?.safeParse(value);
    for (const issue of own?.error?.issues ?? []) issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
  });
}

/** Built when it is first used, because modules bring the providers. */
export const PaymentMethodInput = z.lazy(() => methodInput(paymentProviders.all()));

/** The same for another attempt: a synchronous payment is not tried twice. */
export const RetryMethodInput = z.lazy(() =>
  methodInput(paymentProviders.all().filter(({ synchronous }) => !synchronous)),
);

/**
 * Cash, invoice, bank transfer: the order is placed, and the staff captures when the money has come. The row is all
 * there is to know.
 */
export const manual: SynchronousProvider = {
  name: "manual",
  byHand: true,
  capture: "manual",
  synchronous: true,
  prepareAttempt: async () => ({}),
  operate: async () => undefined,
};

import { conflict } from "../kernel/error.js";
import type { OfferedMethod, paymentSettingTable } from "./payment-method.sql.js";
import { type PaymentMethodInput, type Provider, paymentProviders } from "./provider.js";

/** All that decides how a shopper may pay in a channel. */
export interface MethodFacts {
  /** The tenant's row; null when the merchant has not chosen anything. */
  setting: Pick<typeof paymentSettingTable.$inferSelect, "methods" | "channels"> | null;
  /** The status of the merchant's account at the provider of cards; null when there is none. */
  accountStatus: string | null;
  channelId: string;
}

/** The hours for which the goods of an order by hand wait for the staff, where the merchant does not say. */
export const DEFAULT_HOLD_HOURS = 48;

/**
 * The ways to pay in a channel, the first one for a shopper who names none. A merchant who has chosen nothing is paid by
 * what takes the money itself; by hand only as long as there is no account, so that a new shop can be tried.
 */
export function offeredMethods({ setting, accountStatus, channelId }: MethodFacts): readonly OfferedMethod[] {
  const chosen = setting?.channels[channelId] ?? setting?.methods;
  if (chosen) return chosen.filter(({ provider }) => paymentProviders.find(provider));
  return paymentProviders
    .all()
    .filter((provider) => isOfferedByDefault(provider, accountStatus !== null))
    .map(({ name: provider }) => ({ provider }));
}

const isOfferedByDefault = ({ byHand, needsAccount }: Provider, hasAccount: boolean) =>
  byHand ? !hasAccount : !needsAccount || hasAccount;

/** A way to pay as the shopper asks for it, and as the merchant offers it. */
export interface ChosenMethod {
  input: PaymentMethodInput;
  offer: OfferedMethod;
}

/** @throws Failure conflict `payment.method_not_offered`, with the methods that are */
export function chooseMethod(offered: readonly OfferedMethod[], wanted: PaymentMethodInput | undefined): ChosenMethod {
  const offer = wanted ? offered.find(({ provider }) => provider === wanted.provider) : offered[0];
  if (offer) return { input: wanted ?? { provider: offer.provider }, offer };
  throw conflict("payment.method_not_offered", "The shop does not offer this way to pay; see `offered`.", {
    data: { offered: offered.map(({ provider }) => provider) },
  });
}

/** Whether the staff must accept an order that is to be paid this way before it counts. */
export const awaitsStaff = ({ byHand }: Provider, { acceptance = "staff" }: OfferedMethod): boolean =>
  byHand === true && acceptance === "staff";

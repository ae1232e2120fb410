import * as z from "zod";
import { type Provider, paymentProviders } from "./provider.js";

const names = () => paymentProviders.all().map(({ name }) => name) as [string, ...string[]];
/** Built when it is first used, because modules bring the providers. */
export const ProviderName = z.lazy(() => z.enum(names()));
/** An order that is opened by hand needs no second attempt. */
export const RetryProviderName = z.lazy(() => z.enum(names()).exclude(["manual"]));

/** The provider of a payment. @throws Error for a name that no module brings */
export function providerOf(name: string): Provider {
  const provider = paymentProviders.find(name);
  if (!provider) throw new Error(`There is no payment provider "${name}".`);
  return provider;
}

/** A manual payment calls no provider: an operation is done as soon as it is written. */
export const isManual = (name: string) => name === "manual";

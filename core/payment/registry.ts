import * as z from "zod";
import { manual } from "./manual.js";
import type { Provider } from "./provider.js";
import { stripe } from "./stripe/index.js";

const providers = { manual, stripe } as const satisfies Record<string, Provider>;
export const ProviderName = z.enum(Object.keys(providers) as [keyof typeof providers]);
export type ProviderName = z.infer<typeof ProviderName>;

/** The provider of a payment. @throws ZodError for a name that the table never had */
export const providerOf = (name: string): Provider => providers[ProviderName.parse(name)];

/** The merchant's own word: it calls nobody, so that what is wanted of it is done as soon as it is written. */
export const isManual = (name: string) => name === "manual";

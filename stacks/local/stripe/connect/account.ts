import type Stripe from "stripe";
import { z } from "zod";
import { noAccess } from "../engine/authority.js";
import { type Action, type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { listing, merge, nothing } from "../engine/shape.js";
import { application } from "../payment/balance.js";
import { checking, create, fulfilled, half, newAccount, noProfile, requirements, update } from "./account-shape.js";

type Account = Stripe.Account;

/** Accounts belong to the platform; a request with `Stripe-Account` sees that account only. @throws Failure 403 */
function accountOf(id: string | undefined, store: Store): Account {
  const found = store.in(undefined).find("account", id);
  if (!found || (store.account && store.account !== id)) throw noAccess("sk_", id ?? "");
  return found;
}

/** A changed account emits `account.updated` to the Connect endpoint. */
export function changeAccount(account: Account, patch: Partial<Account>, store: Store): Account {
  const next = store.in(undefined).change(account, patch);
  const previous = Object.fromEntries(Object.keys(patch).map((name) => [name, account[name as keyof Account]]));
  store.in(account.id).emit("account.updated", next, previous);
  return next;
}

/** A disconnected account accepts no requests of the platform and sends it no events. */
export function disconnect(account: Account, store: Store) {
  const data = { id: application, object: "application", name: "Stoa" };
  store.in(account.id).emit("account.application.deauthorized", data);
  store.in(undefined).remove("account", account.id);
}

/** Outcomes of the onboarding form. */
export const progress: Record<string, (account: Account, now: number) => Partial<Account>> = {
  complete: fulfilled,
  half: () => ({ requirements: half }),
  checking: (account, now) => ({
    ...fulfilled(account, now),
    capabilities: Object.fromEntries(Object.keys(account.capabilities ?? {}).map((name) => [name, "pending"])),
    charges_enabled: false,
    payouts_enabled: false,
    requirements: checking,
  }),
};

function updated(account: Account, { metadata, ...params }: z.output<typeof update>, store: Store): Account {
  const { business_profile, capabilities, ...plain } = params;
  const told = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const status = account.charges_enabled ? "active" : "inactive";
  const asked = Object.entries(capabilities ?? {}).map(([name, one]) => [name, one?.requested ? status : "inactive"]);
  const patch = {
    ...told,
    ...(business_profile && { business_profile: { ...noProfile, ...account.business_profile, ...business_profile } }),
    ...(capabilities && { capabilities: { ...account.capabilities, ...Object.fromEntries(asked) } }),
    metadata: merge(account.metadata ?? {}, metadata),
  };
  return changeAccount(account, patch as Partial<Account>, store);
}

const forAccount =
  (run: (account: Account, input: Record<string, unknown>, store: Store) => object): Action =>
  (input, store) =>
    run(accountOf(String(input.account), store), input, store);

const actions: Record<string, Action> = {
  complete_onboarding: forAccount((account, _, store) => changeAccount(account, fulfilled(account, store.now), store)),
  deauthorize: forAccount((account, _, store) => {
    disconnect(account, store);
    return { deauthorized: account.id };
  }),
  /** Stripe asks for more documents and disables charges until they arrive. */
  restrict_account: forAccount((account, { reason }, store) => {
    const open = requirements(["representative.verification.document"], String(reason ?? "requirements.past_due"));
    const inactive = Object.keys(account.capabilities ?? {}).map((name) => [name, "inactive"]);
    const capabilities = Object.fromEntries(inactive);
    const patch = { capabilities, charges_enabled: false, payouts_enabled: false, requirements: open };
    return changeAccount(account, patch, store);
  }),
};

export const accounts: Module = {
  kinds: [{ type: "account", prefix: "acct" }],
  routes: [
    route("POST", "/v1/accounts", create, ({ params }, store) => {
      if (store.account) throw refused("Connected accounts cannot create accounts.", { status: 403 });
      return store.put(newAccount(params, store));
    }),
    route("GET", "/v1/accounts", z.strictObject(listing), ({ params }, store) => store.page("account", params)),
    route("GET", "/v1/accounts/:id", nothing, ({ path }, store) => accountOf(path.id, store)),
    route("GET", "/v1/account", nothing, (_, store) => accountOf(store.account, store)),
    route("POST", "/v1/accounts/:id", update, ({ path, params }, store) =>
      updated(accountOf(path.id, store), params, store),
    ),
    route("DELETE", "/v1/accounts/:id", nothing, ({ path }, store) => {
      const { id } = accountOf(path.id, store);
      store.in(undefined).remove("account", id);
      return { id, object: "account", deleted: true };
    }),
  ],
  actions,
};

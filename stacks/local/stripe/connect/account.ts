import type Stripe from "stripe";
import { z } from "zod";
import { noAccess } from "../engine/authority.js";
import { type Action, type Module, route, type World } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { listing, merge, nothing } from "../engine/shape.js";
import { application } from "../payment/balance.js";
import { checking, create, fulfilled, half, newAccount, noProfile, requirements, update } from "./account-shape.js";

type Account = Stripe.Account;

/** Accounts are the platform's; a request in an account's name sees that one only. @throws Failure 403 */
function accountOf(id: string | undefined, world: World): Account {
  const found = world.in(undefined).find("account", id);
  if (!found || (world.account && world.account !== id)) throw noAccess("sk_", id ?? "");
  return found;
}

/** What happens to an account is told to the Connect endpoint, in the account's name. */
export function changeAccount(account: Account, patch: Partial<Account>, world: World): Account {
  const next = world.in(undefined).change(account, patch);
  const previous = Object.fromEntries(Object.keys(patch).map((name) => [name, account[name as keyof Account]]));
  world.in(account.id).emit("account.updated", next, previous);
  return next;
}

/** The platform may no longer act for the account, nor hears of it. */
export function disconnect(account: Account, world: World) {
  const data = { id: application, object: "application", name: "Stoa" };
  world.in(account.id).emit("account.application.deauthorized", data);
  world.in(undefined).remove("account", account.id);
}

/** How far somebody has come with the form. */
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

function updated(account: Account, { metadata, ...params }: z.output<typeof update>, world: World): Account {
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
  return changeAccount(account, patch as Partial<Account>, world);
}

const forAccount =
  (run: (account: Account, input: Record<string, unknown>, world: World) => object): Action =>
  (input, world) =>
    run(accountOf(String(input.account), world), input, world);

const actions: Record<string, Action> = {
  complete_onboarding: forAccount((account, _, world) => changeAccount(account, fulfilled(account, world.now), world)),
  deauthorize: forAccount((account, _, world) => {
    disconnect(account, world);
    return { deauthorized: account.id };
  }),
  /** Stripe wants more documents, and no payments until it has them. */
  restrict_account: forAccount((account, { reason }, world) => {
    const open = requirements(["representative.verification.document"], String(reason ?? "requirements.past_due"));
    const inactive = Object.keys(account.capabilities ?? {}).map((name) => [name, "inactive"]);
    const capabilities = Object.fromEntries(inactive);
    const patch = { capabilities, charges_enabled: false, payouts_enabled: false, requirements: open };
    return changeAccount(account, patch, world);
  }),
};

export const accounts: Module = {
  kinds: [{ type: "account", prefix: "acct" }],
  routes: [
    route("POST", "/v1/accounts", create, ({ params }, world) => {
      if (world.account) throw refused("Connected accounts cannot create accounts.", { status: 403 });
      return world.put(newAccount(params, world));
    }),
    route("GET", "/v1/accounts", z.strictObject(listing), ({ params }, world) => world.page("account", params)),
    route("GET", "/v1/accounts/:id", nothing, ({ path }, world) => accountOf(path.id, world)),
    route("GET", "/v1/account", nothing, (_, world) => accountOf(world.account, world)),
    route("POST", "/v1/accounts/:id", update, ({ path, params }, world) =>
      updated(accountOf(path.id, world), params, world),
    ),
    route("DELETE", "/v1/accounts/:id", nothing, ({ path }, world) => {
      const { id } = accountOf(path.id, world);
      world.in(undefined).remove("account", id);
      return { id, object: "account", deleted: true };
    }),
  ],
  actions,
};

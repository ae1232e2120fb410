import { expect } from "vitest";
import { type Body, Caller, Tenant, unique } from "../support/client.js";
import { cartOf } from "../support/stripe.js";

/** The path of the plugin's accounts. */
export const accounts = "/v1/admin/loyalty-accounts";
const inAYear = () => new Date(Date.now() + 365 * 86_400_000).toISOString();
export const points = (count: number, expiresAt = inAYear()) => ({ points: count, expiresAt });
export const openAccount = (tenant: Caller): Promise<Body> =>
  tenant.post(accounts, { email: `${unique()}@shopper.test`, currency: "EUR" });
export const listTransactions = async (tenant: Caller, query: string): Promise<Body[]> =>
  (await tenant.get(`/v1/admin/ledger/transactions?${query}`)).data;
export const amountsOf = ({ entries }: Body) =>
  Object.fromEntries(entries.map(({ account, amount }: Body) => [account, amount.amount]));
export async function nameAccounts(tenant: Caller): Promise<Record<string, string[]>> {
  const { data } = await tenant.get("/v1/admin/ledger/accounts");
  return Object.fromEntries(data.map(({ account, name, side }: Body) => [account, [name, side]]));
}
export async function expectBalance(tenant: Caller) {
  const { data } = await tenant.get("/v1/admin/ledger/accounts");
  expect(data.reduce((sum: number, { balance }: Body) => sum + balance.amount, 0)).toBe(0);
}

/** An order of 100.00 that is placed with an account's points. */
export async function placeOrder(tenant: Tenant, loyaltyAccountId: string) {
  const { cart } = await cartOf(tenant);
  return cart.complete(undefined, { payment: { provider: "loyalty", loyaltyAccountId } });
}

/** The same tenant at another address: its keys are good there, the access token of its owner is not. */
export const tenantAt = (
  url: string,
  { credential = "", id, slug, owner, ownerEmail, refreshToken, shop }: Tenant,
): Tenant => {
  const at = (caller: Caller) => new Caller(url, caller.credential);
  return new Tenant(url, credential, id, slug, at(owner), ownerEmail, refreshToken, at(shop));
};

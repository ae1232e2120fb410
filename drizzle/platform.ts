import type { Client } from "./client.js";

/** A function of the schema `platform` and its arguments. */
export type PlatformCall = readonly [
  name:
    | "find_tenant"
    | "take_token"
    | "due_tenants"
    | "forget_buckets"
    | "forget_addresses"
    | "receive_stripe_event"
    | "forget_stripe_events",
  ...args: readonly (string | number)[],
];

/**
 * Calls functions of the schema `platform`, the only statements that run without a tenant. One round trip for all calls.
 * @returns the rows of each call
 */
export async function callPlatform(client: Client, calls: readonly PlatformCall[]): Promise<unknown[][]> {
  const statements = calls.map(([name, ...args]) => ({
    text: `select * from platform."${name}"(${args.map((_, index) => `$${index + 1}`).join(", ")})`,
    values: args,
  }));
  const answers = await client.query((connection) => connection.send(statements));
  return answers.map(({ rows }) => rows);
}

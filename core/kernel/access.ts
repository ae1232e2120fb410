import * as z from "zod";
import type { Actor } from "./actor.js";

/** Roles of members, each including the ones after it. */
export const roles = ["OWNER", "ADMIN", "MEMBER"] as const;
export const Role = z.enum(roles).meta({ id: "Role", description: "OWNER ≥ ADMIN ≥ MEMBER" });
export type Role = z.infer<typeof Role>;

/**
 * The one table of rights: the least role that may use each scope. Secret keys carry scopes of their own.
 * What shoppers may do needs none: publishable keys, customers and secret keys may all do it.
 */
export const scopes = {
  "catalog:read": "MEMBER",
  "catalog:write": "MEMBER",
  "inventory:read": "MEMBER",
  "inventory:write": "MEMBER",
  "orders:read": "MEMBER",
  "orders:write": "MEMBER",
  "payments:read": "MEMBER",
  "payments:write": "ADMIN",
  "events:read": "ADMIN",
  "jobs:read": "ADMIN",
  "keys:read": "ADMIN",
  "keys:write": "ADMIN",
  "members:read": "MEMBER",
  "members:write": "OWNER",
  "settings:read": "MEMBER",
  "settings:write": "ADMIN",
  "ledger:read": "ADMIN",
  "incidents:read": "ADMIN",
  "incidents:write": "ADMIN",
  "billing:read": "ADMIN",
  "billing:write": "OWNER",
} as const satisfies Record<string, Role>;

export type Scope = keyof typeof scopes;
export const allScopes = Object.keys(scopes) as [Scope, ...Scope[]];
export const Scope = z.enum(allScopes).meta({ id: "Scope" });

export const roleIncludes = (role: Role, needed: Role) => roles.indexOf(role) <= roles.indexOf(needed);

export const scopesOf = (role: Role) => allScopes.filter((scope) => roleIncludes(role, scopes[scope]));

/** Whether the actor may use the scope, and so may give it to others. */
export function allows(actor: Actor, scope: Scope): boolean {
  switch (actor.type) {
    case "member":
      return roleIncludes(actor.role, scopes[scope]);
    case "key":
    case "plugin":
      return actor.scopes.includes(scope);
    case "system":
      return true;
    default:
      return false;
  }
}

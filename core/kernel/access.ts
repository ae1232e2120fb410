import * as z from "zod";
import type { Actor } from "./actor.js";
import { Registry } from "./registry.js";
import { type Role, roles } from "./role.js";

/**
 * One right of a role or of a secret key. Each module declares and lists its own scopes. An operation for shoppers
 * needs none: publishable keys, customers and secret keys can all call it.
 */
export interface Scope {
  /** The name in keys and in OpenAPI. */
  readonly name: `${string}:read` | `${string}:write`;
  /** The least role that has it. */
  readonly role: Role;
  /** A secret key has it only when its creation names it. */
  readonly onRequestOnly?: true;
  /** Its operations stay open while the tenant is suspended, because they are how its owner pays. */
  readonly whileSuspended?: true;
  /** Its operations show personal data of shoppers or members: no key reads them while the tenant is blocked. */
  readonly personal?: true;
}

export const defineScope = (name: Scope["name"], role: Role, more: Omit<Scope, "name" | "role"> = {}): Scope => ({
  name,
  role,
  ...more,
});

/** The scopes of all modules. */
export const scopes = new Registry<Scope>("scope", ({ name }) => name);

const scopeNames = () => scopes.all().map(({ name }) => name) as [string, ...string[]];
export const ScopeName = z.lazy(() => z.enum(scopeNames())).meta({ id: "Scope" });

export const roleIncludes = (role: Role, needed: Role) => roles.indexOf(role) <= roles.indexOf(needed);

export const scopesOf = (role: Role) => scopes.all().filter((scope) => roleIncludes(role, scope.role));

/** Whether the actor may use the scope, and so may give it to others. */
export function allows(actor: Actor, scope: Scope): boolean {
  switch (actor.type) {
    case "member":
      return roleIncludes(actor.role, scope.role);
    case "key":
    case "plugin":
      return actor.scopes.includes(scope.name);
    case "system":
      return true;
    default:
      return false;
  }
}

import type { Client } from "./client.js";

export class RoleError extends Error {
  override name = "RoleError";
}

const FLAGS = `
  select current_user, rolsuper, rolbypassrls,
    exists (select from pg_class where relkind in ('r', 'p') and relowner = r.oid),
    exists (select from pg_roles n where n.rolname in ('neon_superuser', 'stoa_owner') and pg_has_role(r.oid, n.oid, 'member')),
    exists (select from pg_roles b where b.rolbypassrls and pg_has_role(r.oid, b.oid, 'member')),
    exists (select from pg_roles p where p.rolname in ('stoa_platform', 'stoa_relay', 'stoa_app')
      and p.oid <> r.oid and pg_has_role(r.oid, p.oid, 'member')),
    current_setting('standard_conforming_strings') <> 'on'
  from pg_roles r where rolname = current_user`;

/**
 * Refuses a role that row-level security does not bind: a superuser, a role with BYPASSRLS (every member of Neon's
 * `neon_superuser` has it), the owner of a table.
 * @throws RoleError with the reasons
 */
export async function checkRole(client: Client): Promise<void> {
  const [answer] = await client.query((connection) => connection.send([{ text: FLAGS, values: [], rowMode: "array" }]));
  const [name, ...flags] = (answer?.rows[0] ?? ["?", true]) as unknown[];
  const reasons = [
    "is a superuser",
    "has BYPASSRLS",
    "owns tables",
    "may become an owner or neon_superuser",
    "may become a role with BYPASSRLS",
    "may become another role of Stoa",
    "reads backslashes in strings, which would break the quoting of inlined values",
  ];
  const found = reasons.filter((_, index) => flags[index] === true);
  if (found.length > 0) throw new RoleError(`Role "${name}" ${found.join(", ")}: policies would not bind it.`);
}

import type { Client } from "./client.js";

export class RoleError extends Error {
  override name = "RoleError";
}

/** What `roles.sql` states for a role. A default for anything else was set by somebody else, for example by the role itself. */
const STATED = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone"];

const FLAGS = `
  select current_user, rolsuper, rolbypassrls,
    exists (select from pg_class where relkind in ('r', 'p') and relowner = r.oid),
    exists (select from pg_roles n where n.rolname in ('neon_superuser', 'stoa_owner') and pg_has_role(r.oid, n.oid, 'member')),
    exists (select from pg_roles b where b.rolbypassrls and pg_has_role(r.oid, b.oid, 'member')),
    exists (select from pg_roles p where p.rolname in ('stoa_platform', 'stoa_relay', 'stoa_app')
      and p.oid <> r.oid and pg_has_role(r.oid, p.oid, 'member')),
    current_setting('standard_conforming_strings') <> 'on',
    current_setting('row_security') <> 'on',
    '0' in (current_setting('statement_timeout'), current_setting('lock_timeout'),
      current_setting('idle_in_transaction_session_timeout')),
    current_setting('timezone') <> 'UTC',
    current_setting('search_path') <> '"$user", public',
    exists (select from pg_db_role_setting s, unnest(s.setconfig) as own
      where s.setrole = r.oid and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        and lower(split_part(own, '=', 1)) not in (${STATED.map((name) => `'${name}'`).join(", ")}))
  from pg_roles r where rolname = current_user`;

const REASONS = [
  "is a superuser",
  "has BYPASSRLS",
  "owns tables",
  "may become an owner or neon_superuser",
  "may become a role with BYPASSRLS",
  "may become another role of Stoa",
  "reads backslashes in strings",
  "fails where a policy would confine it",
  "has no limit of time",
  "has another time zone than UTC",
  "finds tables on another path",
  "has a default that no deployment has stated",
];

/**
 * Refuses a role that row-level security does not bind: a superuser, a role with BYPASSRLS (every member of Neon's
 * `neon_superuser` has it), the owner of a table. Refuses as well a role whose defaults are not those of `roles.sql`,
 * because a role may change its own defaults for all later connections.
 * @throws RoleError with the reasons
 */
export async function checkRole(client: Client): Promise<void> {
  const [answer] = await client.query((connection) => connection.send([{ text: FLAGS, values: [], rowMode: "array" }]));
  const [name, ...flags] = (answer?.rows[0] ?? ["?", true]) as unknown[];
  const found = REASONS.filter((_, index) => flags[index] === true);
  if (found.length > 0) throw new RoleError(`Role "${name}" ${found.join(", ")}.`);
}

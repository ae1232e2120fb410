import type { Host } from "../../stacks/local/host.js";

/**
 * Lets one address log in as often as it can: the bench measures what a login costs, not its limit. The tokens of the
 * buckets are still taken by the same statement, and a trigger puts them back.
 */
export async function keepDoorsOpen({ admin }: Host): Promise<void> {
  await admin.query(`
    create or replace function platform.keep_tokens() returns trigger language plpgsql as $$
    begin
      new.tokens := old.tokens;
      return new;
    end $$`);
  await admin.query(`
    create or replace trigger keep_tokens before update on platform.bucket
    for each row execute function platform.keep_tokens()`);
}

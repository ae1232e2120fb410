-- Run by stoa_owner after rules.sql; may be repeated.

-- The entries of a ledger transaction sum to zero in each currency at COMMIT, and all of them come from the database
-- transaction that made it. The trigger runs as the role that commits, under its policies: a context that moved to another
-- tenant in between sees no entry, and a transaction without entries is refused.
create or replace function ledger_balances() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  fact constant uuid := (to_jsonb(new) ->> case tg_table_name when 'ledger_entry' then 'transaction_id' else 'id' end)::uuid;
begin
  if not exists (select from public.ledger_entry e where e.tenant_id = new.tenant_id and e.transaction_id = fact)
    or exists (select from public.ledger_entry e
                where e.tenant_id = new.tenant_id and e.transaction_id = fact
                group by e.currency having sum(e.amount) <> 0) then
    raise exception 'A transaction of the ledger does not balance.' using errcode = 'check_violation', constraint = 'ledger_balances';
  end if;
  -- now() is when the database's transaction began.
  if not exists (select from public.ledger_transaction t
                  where t.tenant_id = new.tenant_id and t.id = fact and t.created_at = now()) then
    raise exception 'A transaction of the ledger is complete once it is made.'
      using errcode = 'restrict_violation', constraint = 'ledger_complete';
  end if;
  return null;
end $$;
revoke all on function ledger_balances() from public;
do $$
declare
  name text;
begin
  foreach name in array array['ledger_transaction', 'ledger_entry'] loop
    if not exists (select from pg_trigger where tgrelid = name::regclass and tgname = 'ledger_balances') then
      execute format('create constraint trigger ledger_balances after insert on %I
        deferrable initially deferred for each row execute function ledger_balances()', name);
    end if;
  end loop;
end $$;

-- What drizzle-kit cannot write. Run by stoa_owner in the transaction of the migrations, after them; every statement may
-- be repeated, so that a new table gets all of it without anybody remembering.

do $$
declare
  -- Corrections are new rows. A test compares this list with what the tables say of themselves.
  append_only constant text[] := array['stock_movement', 'payment_event', 'order_timeline', 'ledger_transaction', 'ledger_entry'];
  t record;
begin
  for t in
    select c.oid, c.relname, c.relpersistence
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
     order by c.relname
  loop
    execute format('revoke all on %I from stoa_app', t.relname);
    if t.relname = any (append_only) then
      execute format('grant select, insert on %I to stoa_app', t.relname);
      if not exists (select from pg_trigger where tgrelid = t.oid and tgname = t.relname || '_append_only') then
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
          t.relname || '_append_only', t.relname);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
          t.relname || '_no_truncate', t.relname);
      end if;
    else
      execute format('grant select, insert, update, delete on %I to stoa_app', t.relname);
    end if;
    if t.relname not in ('tenant', 'rate_bucket')
      and not exists (select from pg_constraint where conrelid = t.oid and conname = t.relname || '_of_tenant') then
      execute format('alter table %I add constraint %I foreign key (tenant_id) references tenant (tenant_id)',
        t.relname, t.relname || '_of_tenant');
    end if;
    if t.relname = 'rate_bucket' and t.relpersistence <> 'u' then
      alter table rate_bucket set unlogged;
      alter table rate_bucket set (fillfactor = 50);
    end if;
  end loop;
  for t in
    select c.relname, c.relrowsecurity
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
  loop
    if not t.relrowsecurity then execute format('alter table %I enable row level security', t.relname); end if;
    execute format('alter table %I force row level security', t.relname);
  end loop;
end $$;

-- Each transaction of the ledger has entries, which sum to zero in each currency, at commit and not before; and it has
-- them all from the database's transaction that made it. Runs as whoever commits, so that their policies hold: a context
-- that moved to another tenant in between sees no entry, and what cannot be seen is refused.
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

-- The relay sees the pointers of all tenants and nothing else.
do $$
begin
  if not exists (select from pg_policy where polname = 'event_relay') then
    create policy event_relay on event for all to stoa_relay using (true) with check (true);
  end if;
  if not exists (select from pg_policy where polname = 'job_relay') then
    create policy job_relay on job for all to stoa_relay using (true) with check (true);
  end if;
end $$;
revoke all on event, job from stoa_relay;
grant select (tenant_id, id, type, request_id, traceparent, created_at, published_at, attempts, next_attempt_at, dead_at),
  update (updated_at, published_at, attempts, next_attempt_at, last_error, dead_at) on event to stoa_relay;
grant select (tenant_id, id, name, status, due_at, sent_at, lease_until, request_id, traceparent, created_at),
  update (updated_at, sent_at) on job to stoa_relay;

-- How far the database is, for the check of readiness.
grant usage on schema drizzle to stoa_app;
grant select on drizzle.__drizzle_migrations to stoa_app;

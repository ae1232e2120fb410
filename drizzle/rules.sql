-- The rules that drizzle-kit cannot write, for each table of a module. stoa_owner runs this file in the transaction of
-- the migrations, after them. The file may be repeated: only a rule that differs locks its table. rules.ts makes the
-- setting `stoa.tables`. A table whose module was removed is not in the setting, and keeps its rows and its rules.

create or replace function refuse_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
revoke all on function refuse_change() from public;

create or replace function pg_temp.columns(names text[]) returns text language sql immutable as $$
  select string_agg(quote_ident(name), ', ') from unnest(names) name
$$;
create or replace procedure pg_temp.ensure_policy(of_table regclass, name text, wanted boolean, body text)
language plpgsql as $$
begin
  if wanted = exists (select from pg_policy where polrelid = of_table and polname = name) then return; end if;
  execute case when wanted then format('create policy %I on %s %s', name, of_table, body)
    else format('drop policy %I on %s', name, of_table) end;
end $$;
create or replace procedure pg_temp.ensure_trigger(of_table regclass, name text, wanted boolean, body text)
language plpgsql as $$
begin
  if wanted = exists (select from pg_trigger where tgrelid = of_table and tgname = name) then return; end if;
  execute case when wanted then format('create trigger %I ' || body, name, of_table)
    else format('drop trigger %I on %s', name, of_table) end;
end $$;

do $$
declare
  t record;
  of_table regclass;
begin
  for t in
    select *, cardinality(due) > 0 as has_due, cardinality(relay_select) > 0 as has_relay
      from jsonb_to_recordset(current_setting('stoa.tables')::jsonb) as r (
        name text, policy text, append_only boolean, unlogged boolean, due text[], relay_select text[], relay_update text[])
     order by name
  loop
    of_table := to_regclass(format('public.%I', t.name));
    if of_table is null then raise exception 'The table "%" of a module is in no migration.', t.name; end if;

    execute format('revoke all on %s from stoa_app, stoa_relay, stoa_platform', of_table);
    execute format('grant select, insert on %s to stoa_app', of_table);
    if not t.append_only then execute format('grant update, delete on %s to stoa_app', of_table); end if;
    if t.has_relay then
      execute format('grant select (%s), update (%s) on %s to stoa_relay',
        pg_temp.columns(t.relay_select), pg_temp.columns(t.relay_update), of_table);
    end if;
    if t.has_due then execute format('grant select (%s) on %s to stoa_platform', pg_temp.columns(t.due), of_table); end if;

    call pg_temp.ensure_policy(of_table, t.name || '_tenant', true, format('using (%s) with check (%1$s)', t.policy));
    call pg_temp.ensure_policy(of_table, t.name || '_relay', t.has_relay, 'to stoa_relay using (true) with check (true)');
    call pg_temp.ensure_policy(of_table, t.name || '_due', t.has_due, 'for select to stoa_platform using (true)');

    -- Corrections are new rows: not even the owner changes one.
    call pg_temp.ensure_trigger(of_table, t.name || '_append_only', t.append_only,
      'before update or delete on %s for each row execute function public.refuse_change()');
    call pg_temp.ensure_trigger(of_table, t.name || '_no_truncate', t.append_only,
      'before truncate on %s for each statement execute function public.refuse_change()');

    if t.unlogged <> (select relpersistence = 'u' from pg_class where oid = of_table) then
      execute format('alter table %s set %s', of_table, case when t.unlogged then 'unlogged' else 'logged' end);
      -- Room in each page for the next version of a row, which then needs no new entry in an index.
      execute format('alter table %s set (fillfactor = %s)', of_table, case when t.unlogged then 50 else 100 end);
    end if;
    if not t.unlogged and t.name <> 'tenant'
      and not exists (select from pg_constraint where conrelid = of_table and conname = t.name || '_of_tenant') then
      -- The check of the key reads both tables as their owner.
      alter table public.tenant no force row level security;
      execute format('alter table %s no force row level security', of_table);
      execute format('alter table %s add constraint %I foreign key (tenant_id) references public.tenant (tenant_id)',
        of_table, t.name || '_of_tenant');
    end if;
  end loop;

  -- Every table, also one of no module.
  for t in
    select oid::regclass as name from pg_class
     where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not (relrowsecurity and relforcerowsecurity)
  loop
    execute format('alter table %s enable row level security, force row level security', t.name);
  end loop;
end $$;

-- The table of applied migrations, which the check of readiness reads.
grant usage on schema drizzle to stoa_app;
grant select on drizzle.__drizzle_migrations to stoa_app;

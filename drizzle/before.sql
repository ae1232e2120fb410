-- Run by stoa_owner in the transaction of the migrations, before them; may be repeated.

create or replace function refuse_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'table % is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
revoke all on function refuse_change() from public;

-- Adding a foreign key reads both tables as their owner, whom FORCE would blind. It is lifted for this transaction
-- only (it binds nobody but the owner, as whom nobody logs in) and set again by harden.sql.
do $$
declare
  t record;
begin
  for t in select relname from pg_class where relforcerowsecurity and relnamespace = 'public'::regnamespace loop
    execute format('alter table %I no force row level security', t.relname);
  end loop;
end $$;

create schema if not exists drizzle;
create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);

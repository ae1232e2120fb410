-- Run by stoa_owner before pending migrations, in their transaction; may be repeated.

-- Adding a foreign key reads both tables as their owner, whom FORCE would blind. It is lifted for this transaction only
-- (it binds nobody but the owner, as whom nobody logs in), and rules.sql sets it again.
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

-- Run by stoa_owner before pending migrations, in their transaction; may be repeated.

-- Adding a foreign key reads both tables as their owner, from whom FORCE hides all rows. FORCE is lifted for this
-- transaction only, which is safe because it binds only the owner and no login has that role. rules.sql sets it again.
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

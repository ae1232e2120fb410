-- Roles, made by SQL: on Neon, a role made in the console, API or CLI joins neon_superuser, which bypasses policies.
-- Run by an administrator before the migrations; every statement may be repeated.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['stoa_owner', 'stoa_app', 'stoa_relay', 'stoa_platform'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I', role_name);
    end if;
  end loop;
end $$;

alter role stoa_owner with nologin nocreatedb nocreaterole;
alter role stoa_platform with nologin nocreatedb nocreaterole;
alter role stoa_app with login nocreatedb nocreaterole noinherit;
alter role stoa_relay with login nocreatedb nocreaterole noinherit;

-- Through a transaction pooler a session's SET is lost, so limits belong to the role.
alter role stoa_app set statement_timeout = '5s';
alter role stoa_app set lock_timeout = '2s';
alter role stoa_app set idle_in_transaction_session_timeout = '10s';
alter role stoa_app set timezone = 'UTC';
alter role stoa_relay set statement_timeout = '15s';
alter role stoa_relay set lock_timeout = '2s';
alter role stoa_relay set idle_in_transaction_session_timeout = '15s';
alter role stoa_relay set timezone = 'UTC';

do $$
begin
  execute format('grant stoa_owner, stoa_platform to %I', current_user);
  execute format('grant create, connect, temporary on database %I to stoa_owner', current_database());
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to stoa_app, stoa_relay', current_database());
end $$;

revoke all on schema public from public;
grant usage, create on schema public to stoa_owner;
grant usage on schema public to stoa_app, stoa_relay, stoa_platform;

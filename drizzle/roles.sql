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

-- A role may change its own defaults: each deployment states them again, and checkRole() refuses what differs.
alter role stoa_app reset all;
alter role stoa_relay reset all;
do $$
begin
  execute format('alter role stoa_app in database %I reset all', current_database());
  execute format('alter role stoa_relay in database %I reset all', current_database());
end $$;

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

-- Functions that reach beyond the transaction of one tenant: large objects and notifications belong to no tenant, the
-- locks of a session outlive its transactions, and the sessions of others can be read and ended. Advisory locks with two
-- keys are left to the migrations. Where the administrator does not own these functions, as on Neon, nothing changes.
do $$
declare
  door regprocedure;
begin
  for door in
    select oid from pg_proc
     where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege('public', oid, 'execute') and (
       proname ~ '^(lo_|loread$|lowrite$)'
       or proname in ('pg_notify', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_stat_get_activity',
         'pg_stat_get_backend_activity')
       or proname ~ '^pg_(try_)?advisory_lock'
       or (proname ~ '^pg_(try_)?advisory_xact_lock' and pronargs = 2))
  loop
    begin
      execute format('revoke execute on function %s from public', door);
    exception when insufficient_privilege then
      null;
    end;
  end loop;
end $$;

-- Functions that answer before a tenant is known, or for all tenants. Run by an administrator after rules.sql, in the
-- same transaction; may be repeated. They belong to stoa_platform, which cannot log in and sees only what is granted here
-- and, for the search of due rows, by rules.sql.

create schema if not exists platform;
grant usage, create on schema platform to stoa_platform;

-- Token buckets of callers without a tenant, by client address. Unlogged: a crash of the server refills them.
create unlogged table if not exists platform.bucket (
  id text primary key,
  tokens double precision not null,
  granted boolean not null,
  refilled_at timestamptz not null
) with (fillfactor = 50);
alter table platform.bucket owner to stoa_platform;
-- When a bucket that is not used again can go. It changes once a day, so that other uses need no new entry in the index.
alter table platform.bucket
  add column if not exists forget_at timestamptz not null default date_trunc('day', now()) + interval '2 days';
create index if not exists bucket_forget on platform.bucket (forget_at);

-- The rows of all tenants, in the columns that are granted beside each function.
do $$
declare
  t text;
begin
  foreach t in array array['tenant', 'payment_account', 'subscription', 'rate_bucket'] loop
    if not exists (select from pg_policy where polname = t || '_platform') then
      execute format('create policy %I on public.%I for %s to stoa_platform using (true)', t || '_platform', t,
        case t when 'rate_bucket' then 'all' else 'select' end);
    end if;
  end loop;
end $$;

-- The tenant of this slug or id.
grant select (tenant_id, slug, status, livemode) on public.tenant to stoa_platform;
create or replace function platform.find_tenant(name text)
returns table (id uuid, slug text, status text, livemode boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.tenant_id, t.slug, t.status, t.livemode
    from public.tenant t
   where case when $1 ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
              then t.tenant_id = $1::uuid else t.slug = $1 end
$$;

-- Takes `cost` tokens from a bucket that has as many.
create or replace function platform.take_token(
  bucket text, capacity double precision, per_second double precision, cost double precision
) returns table (granted boolean, tokens double precision)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
    insert into platform.bucket as b (id, tokens, granted, refilled_at)
    values ($1, $2 - $4, true, clock_timestamp())
    on conflict (id) do update set
      granted = least($2, b.tokens + $3 * greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at))) >= $4,
      tokens = (select r - case when r >= $4 then $4 else 0 end
                  from (select least($2, b.tokens + $3 * greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)::float8))) as f (r)),
      refilled_at = greatest(b.refilled_at, excluded.refilled_at),
      forget_at = excluded.forget_at
    returning b.granted, b.tokens;
end $$;

-- A bucket that was not used for a day is full again. Buckets of unknown tenants, which a login named, are among them. A
-- call deletes a slice of them, found by an index, and leaves those that another transaction holds.
grant select (tenant_id, id, refilled_at, forget_at), update (forget_at), delete on public.rate_bucket to stoa_platform;
create or replace function platform.forget_buckets() returns table (forgotten bigint)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with full_again as (
    select tenant_id, id from public.rate_bucket
     where forget_at < now() and refilled_at < now() - interval '1 day'
     order by forget_at limit 5000 for update skip locked),
  gone as (
    delete from public.rate_bucket b using full_again f where b.tenant_id = f.tenant_id and b.id = f.id returning 1)
  select count(*) from gone
$$;

-- The same for the buckets of callers without a tenant.
create or replace function platform.forget_addresses() returns table (forgotten bigint)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with full_again as (
    select id from platform.bucket where forget_at < now() order by forget_at limit 5000 for update skip locked),
  gone as (delete from platform.bucket b using full_again f where b.id = f.id returning 1)
  select count(*) from gone
$$;
alter function platform.forget_addresses() owner to stoa_platform;
alter function platform.forget_buckets() owner to stoa_platform;

-- Events of Stripe, as pointers: their handlers read the state from Stripe. An event without a known tenant is quarantined.
create table if not exists platform.stripe_event (
  endpoint text not null check (endpoint in ('platform', 'connect')),
  account text not null default '',
  event_id text not null,
  type text not null,
  livemode boolean not null,
  object_id text not null,
  -- Names the tenant in an event of the platform's own account; `account` does in one of a connected account.
  customer text,
  created timestamptz not null,
  -- The payload of the job.
  event jsonb not null,
  request_id text not null,
  tenant_id uuid,
  state text not null check (state in ('queued', 'quarantined')),
  reason text check (reason in ('unknown_account', 'unknown_customer', 'livemode_mismatch', 'wrong_endpoint')),
  received_at timestamptz not null default now(),
  primary key (endpoint, account, event_id),
  constraint stripe_event_tenant check ((state = 'queued') = (tenant_id is not null) and (state = 'queued') = (reason is null))
);
alter table platform.stripe_event owner to stoa_platform;
create index if not exists stripe_event_received on platform.stripe_event (received_at);
create index if not exists stripe_event_waiting on platform.stripe_event (account, customer) where state = 'quarantined';

-- Jobs of this name are the only rows that stoa_platform inserts.
grant insert (tenant_id, id, name, payload, unique_key, request_id) on public.job to stoa_platform;
do $$
begin
  if not exists (select from pg_policy where polname = 'job_platform') then
    create policy job_platform on public.job for insert to stoa_platform with check (name = 'stripe.event');
  end if;
end $$;

-- The key of a lock that serializes the storing of an event and the insert of its account or customer. Without it, an
-- event that arrives before that insert commits would be quarantined after the insert has looked for such events.
create or replace function platform.stripe_owner_lock(subject text, livemode boolean) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp as $$
  select hashtextextended($1 || ' ' || $2, 7310403)
$$;
alter function platform.stripe_owner_lock(text, boolean) owner to stoa_platform;

-- The tenant of an account or customer, by our own tables and never by the metadata of the event.
grant select (tenant_id, provider, account, livemode) on public.payment_account to stoa_platform;
grant select (tenant_id, customer, livemode) on public.subscription to stoa_platform;
create or replace function platform.stripe_owner(
  endpoint text, account text, customer text, livemode boolean, out tenant uuid, out missing text
) language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if ($1 = 'connect') <> ($2 <> '') then
    missing := 'wrong_endpoint';
  elsif $1 = 'connect' then
    select a.tenant_id into tenant from public.payment_account a
     where a.provider = 'stripe' and a.account = $2 and a.livemode = $4;
    missing := case when exists (select from public.payment_account a where a.account = $2)
      then 'livemode_mismatch' else 'unknown_account' end;
  else
    select s.tenant_id into tenant from public.subscription s where s.customer = $3 and s.livemode = $4;
    missing := case when exists (select from public.subscription s where s.customer = $3)
      then 'livemode_mismatch' else 'unknown_customer' end;
  end if;
  if tenant is not null then missing := null; end if;
end $$;
alter function platform.stripe_owner(text, text, text, boolean) owner to stoa_platform;

-- Stores an event and makes its job. A known event is left alone, unless it was quarantined: sending it again at Stripe
-- releases it once its cause is mended.
create or replace function platform.receive_stripe_event(received jsonb, request text)
returns table (outcome text, reason text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  e platform.stripe_event;
begin
  e.endpoint := $1 ->> 'endpoint';
  e.account := coalesce($1 ->> 'account', '');
  e.customer := case when e.endpoint = 'platform' then $1 #>> '{related,customer}' end;
  e.livemode := ($1 ->> 'livemode')::boolean;
  perform pg_advisory_xact_lock_shared(platform.stripe_owner_lock(coalesce(nullif(e.account, ''), e.customer, ''), e.livemode));
  select o.tenant, o.missing into e.tenant_id, e.reason
    from platform.stripe_owner(e.endpoint, e.account, e.customer, e.livemode) o;
  insert into platform.stripe_event as s
    (endpoint, account, event_id, type, livemode, object_id, customer, created, event, request_id, tenant_id, state, reason)
  values (e.endpoint, e.account, $1 ->> 'id', $1 ->> 'type', e.livemode, $1 ->> 'objectId', e.customer,
    to_timestamp(($1 ->> 'created')::bigint), $1, $2, e.tenant_id,
    case when e.tenant_id is null then 'quarantined' else 'queued' end, e.reason)
  on conflict (endpoint, account, event_id) do update
    set tenant_id = excluded.tenant_id, state = excluded.state, reason = excluded.reason
    where s.state = 'quarantined' and excluded.state = 'queued'
  returning s.* into e;
  if not found then
    return query select 'duplicate', null::text;
    return;
  end if;
  if e.state = 'queued' then
    insert into public.job (tenant_id, id, name, payload, unique_key, request_id)
    values (e.tenant_id, uuidv7(), 'stripe.event', e.event, e.endpoint || ' ' || e.event_id, e.request_id)
    on conflict do nothing;
  end if;
  return query select e.state, e.reason;
end $$;
alter function platform.receive_stripe_event(jsonb, text) owner to stoa_platform;

-- Stripe may send an event of an account before the row of the account is committed: the row then releases the quarantined
-- events of the last day.
create or replace function platform.claim_stripe_events() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  -- The column that names the account or customer, which differs from table to table.
  subject text := to_jsonb(new) ->> tg_argv[1];
begin
  if tg_op = 'UPDATE' and to_jsonb(old) ->> tg_argv[1] = subject and old.livemode = new.livemode then return null; end if;
  perform pg_advisory_xact_lock(platform.stripe_owner_lock(subject, new.livemode));
  with claimed as (
    update platform.stripe_event s set state = 'queued', tenant_id = new.tenant_id, reason = null
     where s.state = 'quarantined' and s.endpoint = tg_argv[0] and s.livemode = new.livemode
       and case tg_argv[0] when 'connect' then s.account else s.customer end = subject
       and s.reason <> 'wrong_endpoint' and s.received_at > now() - interval '1 day'
    returning s.*)
  insert into public.job (tenant_id, id, name, payload, unique_key, request_id)
  select c.tenant_id, uuidv7(), 'stripe.event', c.event, c.endpoint || ' ' || c.event_id, c.request_id from claimed c
  on conflict do nothing;
  return null;
end $$;
alter function platform.claim_stripe_events() owner to stoa_platform;
do $$
begin
  if not exists (select from pg_trigger where tgname = 'payment_account_events') then
    create trigger payment_account_events after insert or update of account, livemode on public.payment_account
      for each row when (new.provider = 'stripe') execute function platform.claim_stripe_events('connect', 'account');
  end if;
  if not exists (select from pg_trigger where tgname = 'subscription_events') then
    create trigger subscription_events after insert or update of customer, livemode on public.subscription
      for each row when (new.customer is not null) execute function platform.claim_stripe_events('platform', 'customer');
  end if;
end $$;

create or replace function platform.forget_stripe_events() returns table (forgotten bigint)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with old as (
    select endpoint, account, event_id from platform.stripe_event
     where received_at < now() - interval '90 days' order by received_at limit 5000 for update skip locked),
  gone as (delete from platform.stripe_event s using old where (s.endpoint, s.account, s.event_id)
    = (old.endpoint, old.account, old.event_id) returning 1)
  select count(*) from gone
$$;
alter function platform.forget_stripe_events() owner to stoa_platform;

alter function platform.find_tenant(text) owner to stoa_platform;
alter function platform.take_token(text, double precision, double precision, double precision) owner to stoa_platform;

revoke all on schema platform from public;
revoke all on all tables in schema platform from public, stoa_app, stoa_relay;
revoke all on all functions in schema platform from public;
grant usage on schema platform to stoa_app;
grant execute on function platform.find_tenant(text) to stoa_app;
grant execute on function platform.take_token(text, double precision, double precision, double precision) to stoa_app;
grant execute on function platform.forget_buckets(), platform.forget_addresses(), platform.forget_stripe_events() to stoa_app;
grant execute on function platform.receive_stripe_event(jsonb, text) to stoa_app;

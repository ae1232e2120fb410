-- What must be answered before a tenant is known. Run by an administrator after the migrations; may be repeated.
-- The functions belong to stoa_platform, who cannot log in and sees only what is granted here.

create schema if not exists platform;
grant usage, create on schema platform to stoa_platform;

-- Token buckets of those who have no tenant yet, by client address. Unlogged: a crash refills them.
create unlogged table if not exists platform.bucket (
  id text primary key,
  tokens double precision not null,
  granted boolean not null,
  refilled_at timestamptz not null
) with (fillfactor = 50);
alter table platform.bucket owner to stoa_platform;

grant select (tenant_id, slug, status, livemode) on public.tenant to stoa_platform;

-- The tenant of this slug or id.
create or replace function platform.find_tenant(name text)
returns table (id uuid, slug text, status text, livemode boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select t.tenant_id, t.slug, t.status, t.livemode
    from public.tenant t
   where case when $1 ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
              then t.tenant_id = $1::uuid else t.slug = $1 end
$$;

-- Takes `cost` tokens when so many are there. What nobody asked for in a day is forgotten now and then.
create or replace function platform.take_token(
  bucket text, capacity double precision, per_second double precision, cost double precision
) returns table (granted boolean, tokens double precision)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  if random() < 0.001 then
    delete from platform.bucket b
     where b.id in (select o.id from platform.bucket o where o.refilled_at < now() - interval '1 day'
                       for update skip locked);
  end if;
  return query
    insert into platform.bucket as b (id, tokens, granted, refilled_at)
    values ($1, $2 - $4, true, clock_timestamp())
    on conflict (id) do update set
      granted = least($2, b.tokens + $3 * greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at))) >= $4,
      tokens = (select r - case when r >= $4 then $4 else 0 end
                  from (select least($2, b.tokens + $3 * greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)::float8))) as f (r)),
      refilled_at = greatest(b.refilled_at, excluded.refilled_at)
    returning b.granted, b.tokens;
end $$;

-- Tenants that have something past its time: the pointer from which the sweep works, one tenant after the other.
grant select (tenant_id, expires_at) on public.reservation, public.cart, public.refresh_token to stoa_platform;
grant select (tenant_id, status) on public.cart to stoa_platform;
grant select (tenant_id, created_at) on public.idempotency_key to stoa_platform;
grant select (tenant_id, id, published_at) on public.event to stoa_platform;
do $$
declare
  t text;
begin
  foreach t in array array['tenant', 'reservation', 'cart', 'refresh_token', 'idempotency_key', 'event', 'rate_bucket'] loop
    if not exists (select from pg_policy where polname = t || '_platform') then
      execute format('create policy %I on public.%I for %s to stoa_platform using (true)', t || '_platform', t,
        case t when 'rate_bucket' then 'all' else 'select' end);
    end if;
  end loop;
end $$;
create or replace function platform.due_tenants() returns table (id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select tenant_id from public.reservation where expires_at <= now()
  union select tenant_id from public.cart where status = 'open' and expires_at <= now()
  union select tenant_id from public.refresh_token where expires_at <= now() - interval '30 days'
  union select tenant_id from public.idempotency_key where created_at <= now() - interval '72 hours'
  union select t.tenant_id from public.tenant t
   where exists (select from public.event e
                  where e.tenant_id = t.tenant_id and e.id < (select uuidv7(interval '-30 days')) and e.published_at is not null)
$$;
alter function platform.due_tenants() owner to stoa_platform;

-- Buckets that nobody asked for in a day are full again. Those of an unknown tenant, whom a login named, are among them.
grant select (tenant_id, id, refilled_at), delete on public.rate_bucket to stoa_platform;
create or replace function platform.forget_buckets() returns table (forgotten bigint)
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (delete from public.rate_bucket where refilled_at < now() - interval '1 day' returning 1)
  select count(*) from gone
$$;
alter function platform.forget_buckets() owner to stoa_platform;

alter function platform.find_tenant(text) owner to stoa_platform;
alter function platform.take_token(text, double precision, double precision, double precision) owner to stoa_platform;

revoke all on schema platform from public;
revoke all on all tables in schema platform from public, stoa_app, stoa_relay;
revoke all on all functions in schema platform from public;
grant usage on schema platform to stoa_app;
grant execute on function platform.find_tenant(text) to stoa_app;
grant execute on function platform.take_token(text, double precision, double precision, double precision) to stoa_app;
grant execute on function platform.due_tenants(), platform.forget_buckets() to stoa_app;

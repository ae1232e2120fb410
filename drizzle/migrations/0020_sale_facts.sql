CREATE TABLE "sale_fact" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"reference" text NOT NULL,
	"kind" text NOT NULL,
	"occurred_at" timestamptz NOT NULL,
	"currency" char(3) NOT NULL,
	"amount" bigint NOT NULL,
	CONSTRAINT "sale_fact_pk" PRIMARY KEY("tenant_id","reference","kind"),
	CONSTRAINT "sale_fact_kind" CHECK (kind in ('placed', 'cancelled', 'refunded', 'refund_failed')),
	CONSTRAINT "sale_fact_amount" CHECK (amount >= 0)
);
--> statement-breakpoint
ALTER TABLE "sale_fact" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "sale_quarter" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"quarter" integer NOT NULL,
	"currency" char(3) NOT NULL,
	"orders" integer DEFAULT 0 NOT NULL,
	"cancelled_orders" integer DEFAULT 0 NOT NULL,
	"gross" bigint DEFAULT 0 NOT NULL,
	"cancelled" bigint DEFAULT 0 NOT NULL,
	"refunded" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "sale_quarter_pk" PRIMARY KEY("tenant_id","quarter","currency")
);
--> statement-breakpoint
ALTER TABLE "sale_quarter" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "time_zone" text DEFAULT 'UTC' NOT NULL;--> statement-breakpoint
CREATE POLICY "sale_fact_tenant" ON "sale_fact" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "sale_quarter_tenant" ON "sale_quarter" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
-- What was sold before: the ids of orders as the API shows them, so that an order that is counted again is the same row.
CREATE FUNCTION pg_temp.order_reference(id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  select 'ord_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz',
      substring(b'00' || ('x' || replace(id::text, '-', ''))::bit(128) from place * 5 + 1 for 5)::int + 1, 1), '' order by place)
    from generate_series(0, 25) as place
$$;
--> statement-breakpoint
INSERT INTO "sale_fact" ("tenant_id", "reference", "kind", "occurred_at", "currency", "amount")
select o.tenant_id, pg_temp.order_reference(o.id), 'placed', o.placed_at, o.currency, o.total
  from "order" o
 where o.status in ('open', 'completed') or (o.status = 'cancelled' and exists (
   select from order_timeline t where t.tenant_id = o.tenant_id and t.order_id = o.id and t.type = 'placed'))
    on conflict do nothing;
--> statement-breakpoint
INSERT INTO "sale_fact" ("tenant_id", "reference", "kind", "occurred_at", "currency", "amount")
select o.tenant_id, f.reference, 'cancelled', t.created_at, o.currency, coalesce((
    select -sum(e.amount) from ledger_transaction l
      join ledger_entry e on e.tenant_id = l.tenant_id and e.transaction_id = l.id and e.account = 'receivable'
     where l.tenant_id = o.tenant_id and l.reference = f.reference and l.kind = 'order.cancelled'), 0)
  from "order" o
  join order_timeline t on t.tenant_id = o.tenant_id and t.order_id = o.id and t.type = 'cancelled'
  join "sale_fact" f on f.tenant_id = o.tenant_id and f.reference = pg_temp.order_reference(o.id) and f.kind = 'placed'
 where o.status = 'cancelled'
    on conflict do nothing;
--> statement-breakpoint
INSERT INTO "sale_fact" ("tenant_id", "reference", "kind", "occurred_at", "currency", "amount")
select l.tenant_id, l.reference, case l.kind when 'payment.refunded' then 'refunded' else 'refund_failed' end,
       l.occurred_at, e.currency, abs(sum(e.amount))
  from ledger_transaction l
  join ledger_entry e on e.tenant_id = l.tenant_id and e.transaction_id = l.id and e.account in ('refunds', 'tax_payable')
 where l.kind in ('payment.refunded', 'payment.refund_failed')
 group by l.tenant_id, l.id, l.reference, l.kind, l.occurred_at, e.currency
    on conflict do nothing;
--> statement-breakpoint
DROP FUNCTION pg_temp.order_reference(uuid);

--> statement-breakpoint
INSERT INTO "sale_quarter" ("tenant_id", "quarter", "currency", "orders", "cancelled_orders", "gross", "cancelled", "refunded")
select tenant_id, floor(extract(epoch from occurred_at) / 900)::int as quarter, currency,
       count(*) filter (where kind = 'placed'), count(*) filter (where kind = 'cancelled'),
       coalesce(sum(amount) filter (where kind = 'placed'), 0),
       coalesce(sum(amount) filter (where kind = 'cancelled'), 0),
       coalesce(sum(amount) filter (where kind = 'refunded'), 0)
         - coalesce(sum(amount) filter (where kind = 'refund_failed'), 0)
  from "sale_fact" group by tenant_id, quarter, currency
    on conflict do nothing;

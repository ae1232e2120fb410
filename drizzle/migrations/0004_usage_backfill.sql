ALTER TABLE "usage" ADD COLUMN "counted_at" timestamptz;--> statement-breakpoint
-- What tenants have already. Code of the version before counts nothing while it still runs; the sweep counts once more.
INSERT INTO "usage" ("tenant_id", "metric", "value")
  SELECT "tenant_id", 'products', count(*) FROM "product" WHERE "status" <> 'archived' GROUP BY "tenant_id"
  ON CONFLICT DO NOTHING;--> statement-breakpoint
INSERT INTO "usage" ("tenant_id", "metric", "value")
  SELECT "tenant_id", 'members', count(*) FROM "member" WHERE "status" = 'active' GROUP BY "tenant_id"
  ON CONFLICT DO NOTHING;--> statement-breakpoint
INSERT INTO "usage" ("tenant_id", "metric", "period", "value")
  SELECT "tenant_id", 'ordersPerMonth', to_char(now() AT TIME ZONE 'utc', 'YYYY-MM'), count(*) FROM "order"
   WHERE "created_at" >= date_trunc('month', now() AT TIME ZONE 'utc') AT TIME ZONE 'utc' AND "status" <> 'cancelled'
   GROUP BY "tenant_id"
  ON CONFLICT DO NOTHING;

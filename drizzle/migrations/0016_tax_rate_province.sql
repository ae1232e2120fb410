ALTER TABLE "tax_rate" DROP CONSTRAINT "tax_rate_country";--> statement-breakpoint
ALTER TABLE "tax_rate" ADD COLUMN "province" text;--> statement-breakpoint
ALTER TABLE "tax_rate" ADD CONSTRAINT "tax_rate_place" UNIQUE NULLS NOT DISTINCT("tenant_id","tax_class_id","country","province");
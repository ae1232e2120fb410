ALTER TABLE "tenant" ADD COLUMN "plan" text;--> statement-breakpoint
-- Null stays possible: the release before inserts tenants without a plan until it is replaced.
UPDATE "tenant" SET "plan" = coalesce(
  (SELECT "plan" FROM "subscription" WHERE "subscription"."tenant_id" = "tenant"."tenant_id"),
  CASE WHEN "livemode" THEN 'trial' ELSE 'sandbox' END);

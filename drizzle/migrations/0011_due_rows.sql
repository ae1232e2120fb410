DROP INDEX "subscription_due";--> statement-breakpoint
DROP INDEX "payment_due";--> statement-breakpoint
ALTER TABLE "usage" ALTER COLUMN "counted_at" SET DEFAULT now();--> statement-breakpoint
CREATE INDEX "subscription_next_step_at_due" ON "subscription" USING btree ("next_step_at","tenant_id") WHERE "subscription"."next_step_at" is not null;--> statement-breakpoint
CREATE INDEX "cart_expires_at_due" ON "cart" USING btree ("expires_at","tenant_id") WHERE "cart"."status" = 'open';--> statement-breakpoint
CREATE INDEX "usage_counted_at_due" ON "usage" USING btree ("counted_at","tenant_id") WHERE "usage"."period" = '';--> statement-breakpoint
CREATE INDEX "refresh_token_expires_at_due" ON "refresh_token" USING btree ("expires_at","tenant_id");--> statement-breakpoint
CREATE INDEX "reservation_expires_at_due" ON "reservation" USING btree ("expires_at","tenant_id");--> statement-breakpoint
CREATE INDEX "event_published_at_due" ON "event" USING btree ("published_at","tenant_id") WHERE "event"."published_at" is not null;--> statement-breakpoint
CREATE INDEX "idempotency_key_created_at_due" ON "idempotency_key" USING btree ("created_at","tenant_id");--> statement-breakpoint
CREATE INDEX "payment_account_reconciled_at_due" ON "payment_account" USING btree ("reconciled_at","tenant_id") WHERE "payment_account"."status" in ('active', 'restricted');--> statement-breakpoint
CREATE INDEX "payment_expires_at_due" ON "payment" USING btree ("expires_at","tenant_id") WHERE "payment"."expires_at" is not null;--> statement-breakpoint
UPDATE "usage" SET "counted_at" = "created_at" WHERE "counted_at" IS NULL;--> statement-breakpoint
-- Policies for the search of due rows, which the rules of the tables now make under another name.
DROP POLICY IF EXISTS "reservation_platform" ON "reservation";--> statement-breakpoint
DROP POLICY IF EXISTS "cart_platform" ON "cart";--> statement-breakpoint
DROP POLICY IF EXISTS "refresh_token_platform" ON "refresh_token";--> statement-breakpoint
DROP POLICY IF EXISTS "idempotency_key_platform" ON "idempotency_key";--> statement-breakpoint
DROP POLICY IF EXISTS "event_platform" ON "event";--> statement-breakpoint
DROP POLICY IF EXISTS "payment_platform" ON "payment";

DROP INDEX "dispute_due";--> statement-breakpoint
DROP INDEX "order_email";--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "email_folded" text GENERATED ALWAYS AS (lower(email)) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "dispute_deadline" ON "dispute" USING btree ("tenant_id",coalesce("evidence_due_at", 'infinity'::timestamptz),"id");--> statement-breakpoint
CREATE INDEX "dispute_open_deadline" ON "dispute" USING btree ("tenant_id",coalesce("evidence_due_at", 'infinity'::timestamptz),"id") WHERE "dispute"."closed_at" is null;--> statement-breakpoint
CREATE INDEX "dispute_closed_deadline" ON "dispute" USING btree ("tenant_id",coalesce("evidence_due_at", 'infinity'::timestamptz),"id") WHERE "dispute"."closed_at" is not null;--> statement-breakpoint
CREATE INDEX "dispute_status_deadline" ON "dispute" USING btree ("tenant_id","status",coalesce("evidence_due_at", 'infinity'::timestamptz),"id");--> statement-breakpoint
CREATE INDEX "api_key_kind_id" ON "api_key" USING btree ("tenant_id","kind","id");--> statement-breakpoint
CREATE INDEX "member_role_id" ON "member" USING btree ("tenant_id","status","role","id");--> statement-breakpoint
CREATE INDEX "incident_kind" ON "incident" USING btree ("tenant_id","kind","id");--> statement-breakpoint
CREATE INDEX "stock_level_location_id" ON "stock_level" USING btree ("tenant_id","location_id","variant_id");--> statement-breakpoint
CREATE INDEX "stock_movement_location" ON "stock_movement" USING btree ("tenant_id","location_id","id");--> statement-breakpoint
CREATE INDEX "job_status_id" ON "job" USING btree ("tenant_id","status","id");--> statement-breakpoint
CREATE INDEX "ledger_entry_account_transaction" ON "ledger_entry" USING btree ("tenant_id","account","transaction_id");--> statement-breakpoint
CREATE INDEX "order_email_folded" ON "order" USING btree ("tenant_id","email_folded","id");--> statement-breakpoint
CREATE INDEX "order_status" ON "order" USING btree ("tenant_id","status","id");--> statement-breakpoint
CREATE INDEX "order_payment_status" ON "order" USING btree ("tenant_id","payment_status","id");--> statement-breakpoint
CREATE INDEX "shipping_option_region_id" ON "shipping_option" USING btree ("tenant_id","region_id","id");
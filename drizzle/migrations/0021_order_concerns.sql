ALTER TABLE "order" ADD COLUMN "concerns" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "order_attention" ON "order" USING btree ("tenant_id","id") WHERE "order"."attention" is not null;--> statement-breakpoint
CREATE INDEX "order_timeline_facts" ON "order_timeline" USING btree ("tenant_id","order_id","id") WHERE type <> 'note';
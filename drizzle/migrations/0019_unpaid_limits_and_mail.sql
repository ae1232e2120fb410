CREATE TABLE "mail" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"recipient" text NOT NULL,
	"subject" text NOT NULL,
	"text" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	CONSTRAINT "mail_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "mail_status" CHECK (status in ('sending', 'sent', 'suppressed'))
);
--> statement-breakpoint
ALTER TABLE "mail" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "cart" ADD COLUMN "address_key" text;--> statement-breakpoint
ALTER TABLE "cart" ADD COLUMN "held_since" timestamptz;--> statement-breakpoint
ALTER TABLE "reservation" ADD COLUMN "address_key" text;--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "address_key" text;--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "payment_due_at" timestamptz;--> statement-breakpoint
CREATE INDEX "mail_created_at_due" ON "mail" USING btree ("created_at","tenant_id");--> statement-breakpoint
CREATE INDEX "mail_status_id" ON "mail" USING btree ("tenant_id","status","id");--> statement-breakpoint
CREATE INDEX "cart_address" ON "cart" USING btree ("tenant_id","address_key","created_at") WHERE "cart"."status" = 'open';--> statement-breakpoint
CREATE POLICY "mail_tenant" ON "mail" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE TABLE "payment_setting" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"methods" jsonb,
	"channels" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "payment_setting_pk" PRIMARY KEY("tenant_id"),
	CONSTRAINT "payment_setting_size" CHECK (octet_length(methods::text) + octet_length(channels::text) < 65536)
);
--> statement-breakpoint
ALTER TABLE "payment_setting" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "payment_setting_tenant" ON "payment_setting" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));